// milter-chain: offers the steps of filters.d to an MTA as a milter.
// milter-chain(8).
// SPDX-License-Identifier: MIT

import Control
import FilterChain
import Glibc
import MailModel
import MilterServer
import UnixIO

@main
struct MilterChainProgram {
    private static let usage = Usage(
        "milter-chain", "Offers the steps of filters.d to Postfix or Sendmail as a milter.",
        [
            .values("listen", "SOCKET", "ADDRESS:PORT or /PATH of a socket of ours"),
            .value("socket-mode", "MODE", "who may connect to a socket of a path, in octal (660)"),
            .value("socket-group", "NAME", "the group of a socket of a path"),
            .value("filters", "DIR", "the folder of the steps, instead of the root's filters.d"),
            .flag("steps-apart", "the resident steps are served by somebody else"),
            .value("sessions", "N", "sessions at a time (500)"),
            .value("command-timeout", "DURATION", "for the steps of a command (25s)"),
            .value("message-timeout", "DURATION", "for the steps of a message (4m)"),
            .value("delay-limit", "DURATION", "the longest delay of a reply (20s)"),
            .value("delayed-sessions", "N", "sessions that may wait at a time (100)"),
            .value("message-size", "SIZE", "bytes of a message; 0: as many as come (0)"),
            .value("idle-timeout", "DURATION", "how long the MTA may say nothing (7210s)"),
            .flag("worker", "serve the socket that was passed, as milter-chain itself starts it"),
            .root, .readyDescriptor,
        ])

    static func main() {
        StandardDescriptors.fill()
        let options = usage.parseOrExit()
        Signals.ignoreBrokenPipes()
        do {
            if options.has("worker") {
                try MilterWorker(options).run()
            } else {
                try MilterService(options).run()
            }
        } catch {
            usage.fail("\(error)", exit(of: error))
        }
    }

    /// What the administrator has to mend, and what may be better the next time.
    private static func exit(of error: any Error) -> Int32 {
        switch error {
        case is SystemError, is MilterLibraryError: FilterExit.networkTrouble.rawValue
        default: FilterExit.badConfiguration.rawValue
        }
    }
}

extension MilterLimits {
    /// The limits that the command line gives.
    init(_ options: Options) throws(UsageError) {
        self.init()
        sessions = try options.integer("sessions", in: 1...10_000) ?? sessions
        command = try options.duration("command-timeout") ?? command
        message = try options.duration("message-timeout") ?? message
        delay = try options.duration("delay-limit") ?? delay
        delayedSessions = try options.integer("delayed-sessions", in: 0...10_000) ?? delayedSessions
        messageSize = try options.size("message-size") ?? messageSize
        silence = try options.duration("idle-timeout") ?? silence
        guard silence >= .seconds(1) else { throw UsageError("--idle-timeout: less than a second") }
    }
}
