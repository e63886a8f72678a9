// SysExit: the exit codes of --pipe, which other mail systems understand.
// sysexits.h(3head); filter-chain(8), section EXIT STATUS.
// SPDX-License-Identifier: MIT

import MailModel
import UnixIO

/// What ends filter-chain with `--pipe`. Whatever is not known is `temporary`.
enum SysExit: Int32 {
    /// EX_OK: the message was handed over, or is on descriptor 1.
    case accepted = 0
    /// EX_DATAERR.
    case badMessage = 65
    /// EX_NOUSER.
    case noUser = 67
    /// EX_NOHOST.
    case noHost = 68
    /// EX_UNAVAILABLE: refused for good.
    case refused = 69
    /// EX_TEMPFAIL.
    case temporary = 75
    /// EX_NOPERM: refused for good by what is allowed here.
    case notAllowed = 77
    /// Not of sysexits.h: nothing is to be delivered, and nobody told.
    case discarded = 99

    /// The code of a reply of class 4 or 5.
    init(_ reply: Reply) {
        guard reply.code >= 500 else {
            self = .temporary
            return
        }
        self = reply.status.subject == 7 ? .notAllowed : .refused
    }

    /// The code of a program that was to deliver. What is not one of these may come from anything.
    init(_ termination: Termination?) {
        guard case .exited(let code) = termination, let exit = SysExit(rawValue: code),
            exit != .discarded
        else {
            self = .temporary
            return
        }
        self = exit
    }
}

extension Failure {
    /// What is said of it where exit codes are those of sysexits.h.
    var reply: Reply {
        switch exit {
        case .reject: Reply(554, EnhancedStatus(5, 6, 0), text)
        case .addressTooLong: Reply(553, EnhancedStatus(5, 1, 3), text)
        case .badConfiguration: Reply(451, EnhancedStatus(4, 3, 5), "filter-chain: \(text)")
        default: Reply(451, EnhancedStatus(4, 3, 0), "filter-chain: \(text)")
        }
    }
}
