// CallerPipe: descriptor 2 of --pipe, whose first words go into a report to the sender.
// pipe(8postfix); syslog(3).
// SPDX-License-Identifier: MIT

import Control
import Glibc
import MailModel
import UnixIO

/// Where the log goes.
enum LogTarget: String, CaseIterable {
    /// To the host's log, so that nobody outside gets to read it.
    case syslog
    /// To descriptor 2, before the reason.
    case stderr
}

/// Keeps descriptor 2 for what the caller is told. What is logged meanwhile, by us and by steps
/// that are started, goes elsewhere.
final class CallerPipe {
    private let errors: OwnedDescriptor?

    /// Takes descriptor 2 away from the log.
    init(_ target: LogTarget) {
        guard target == .syslog, isatty(2) == 0,
            let saved = try? OwnedDescriptor.duplicate(of: 2)
        else {
            errors = nil
            return
        }
        errors = consume saved
        // Where there is no log, nobody reads it.
        let other = CallerPipe.syslog() ?? open("/dev/null", O_WRONLY | O_CLOEXEC)
        dup2(other, 2)
        close(other)
    }

    /// The log. Its lines are of the facility mail, priority info, where they go to syslog.
    var log: Log {
        switch errors {
        case .some: Log("<22>filter-chain")
        case .none: Log("filter-chain")
        }
    }

    /// What a program gets as its descriptor 2, whose words are for the caller too.
    var number: Int32 {
        switch errors {
        case .some(let errors): errors.number
        case .none: 2
        }
    }

    /// Gives descriptor 2 back.
    func giveBack() {
        switch errors {
        case .some(let errors): dup2(errors.number, 2)
        case .none: break
        }
    }

    /// Says the reason in the form in which Postfix takes the status of a report from it.
    static func say(_ reply: Reply) {
        // There is nowhere to say that this cannot be written.
        try? Descriptor(rawValue: 2).writeAll(
            Array("\(reply.status) \(reply.text)\n".utf8), "standard error")
    }

    /// A socket of the host's log, where there is one. A log that does not keep up must not hold up
    /// mail.
    private static func syslog() -> Int32? {
        let type = Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
        let number = socket(AF_UNIX, type, 0)
        guard number >= 0 else { return nil }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: "/dev/log".utf8) }
        let result = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(number, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        guard result == 0 else {
            close(number)
            return nil
        }
        return number
    }
}
