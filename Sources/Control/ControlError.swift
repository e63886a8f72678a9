// ControlError: why configuration cannot be used.
// chainmail(7), section FILES.
// SPDX-License-Identifier: MIT

import UnixIO

/// What is wrong with a file of the configuration. Never a reason to act as if it were not there.
public enum ControlError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The file cannot be read.
    case unreadable(SystemError)
    /// The file holds what it must not. Lines count from 1; nil means the file as a whole.
    case invalid(file: String, line: Int?, reason: String)

    /// `FILE:LINE: reason`, or the call that failed.
    public var description: String {
        switch self {
        case .unreadable(let error): "\(error)"
        case .invalid(let file, let line?, let reason): "\(file):\(line): \(reason)"
        case .invalid(let file, nil, let reason): "\(file): \(reason)"
        }
    }
}
