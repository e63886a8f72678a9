// SpamServerError: why a server gave no opinion.
// spam-check(8).
// SPDX-License-Identifier: MIT

import UnixIO

/// Why one server gave no opinion. Nothing of what it said counts then.
public enum SpamServerError: Error, Hashable, Sendable, CustomStringConvertible {
    /// It cannot be reached, broke off, or did not answer in time.
    case system(SystemError)
    /// It said that it has none, in these words.
    case refused(String)
    /// What it said is no answer.
    case nonsense(String)
    /// Its answer ends too early.
    case cutShort

    /// The reason for a log.
    public var description: String {
        switch self {
        case .system(let error) where error.errno == .timedOut: "no answer in time"
        case .system(let error): "\(error.call): \(error.errno)"
        case .refused(let text): "it says: \(text)"
        case .nonsense(let text): "what it says is no answer: \(text)"
        case .cutShort: "it broke off"
        }
    }

    /// True when time ran out.
    public var isTimeout: Bool {
        if case .system(let error) = self { error.errno == .timedOut } else { false }
    }
}
