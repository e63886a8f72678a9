// PasswordError: why it is not known whether a password is right.
// auth-sources(5).
// SPDX-License-Identifier: MIT

/// Why nothing can be said. Never a reason to refuse a login for good.
public enum PasswordError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What is stored is of a scheme that is not known here, or not of its form.
    case unknownScheme(String)
    /// A library could not do it, such as for want of memory.
    case failed(String)

    /// The reason, which holds nothing of a password or hash but the name of its scheme.
    public var description: String {
        switch self {
        case .unknownScheme(let name): "passwords stored as \(name) cannot be checked"
        case .failed(let text): text
        }
    }
}
