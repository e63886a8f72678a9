// ChainError: why a chain cannot be used.
// filters.d(5).
// SPDX-License-Identifier: MIT

public import UnixIO

/// What is wrong with filters.d. Never a reason to run a chain with fewer steps.
public enum ChainError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The folder or a file in it cannot be read.
    case unreadable(SystemError)
    /// A file says what it must not. Lines count from 1; 0 means the file as a whole.
    case invalid(file: String, line: Int, reason: String)

    /// `FILE:LINE: reason`, or the call that failed.
    public var description: String {
        switch self {
        case .unreadable(let error): "\(error)"
        case .invalid(let file, 0, let reason): "\(file): \(reason)"
        case .invalid(let file, let line, let reason): "\(file):\(line): \(reason)"
        }
    }
}
