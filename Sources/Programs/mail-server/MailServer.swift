// mail-server: starts and supervises the complete chain; parses no mail.
// mail-server(8).
// SPDX-License-Identifier: MIT

import Control
import FilterChain
import Glibc
import UnixIO
import Workers

@main
struct MailServer {
    /// sysexits(3).
    private enum Exit {
        static let usage: Int32 = 64
        static let notStarted: Int32 = 69
        static let system: Int32 = 71
        static let alreadyRunning: Int32 = 75
        static let configuration: Int32 = 78
    }

    static let usage = Usage(
        "mail-server", "Starts the complete mail server and keeps it running.",
        [
            .root, .readyDescriptor,
            .value("passwd", "FILE", "look the users of the programs up here; /etc/passwd"),
            .flag("one-user", "started as root: everything is root, without any seam"),
        ])

    static func main() {
        let options = usage.parseOrExit(misuse: Exit.usage)
        do {
            try run(options)
        } catch let error as UsageError {
            usage.fail("\(error)", Exit.usage)
        } catch let error as RunningAlready {
            usage.fail("\(error)", Exit.alreadyRunning)
        } catch let error as SystemError {
            usage.fail("\(error)", Exit.system)
        } catch let error as SupervisorError {
            usage.fail("\(error)", Exit.notStarted)
        } catch {
            usage.fail("\(error)", Exit.configuration)
        }
    }

    private static func run(_ options: Options) throws {
        let ready = try options.integer("ready-fd", in: 3...1023).map { OwnedDescriptor(Int32($0)) }
        let root = Root(options)
        let plan = try ServicePlan(root, try ServiceUsers.wanted(options))
        try plan.makeFolders()
        let lock = try ServerLock(root)
        Signals.ignoreBrokenPipes()
        var supervisor = try Supervisor(
            plan.groups(lock), log: Log("mail-server"),
            announce: { name, text in say("ready \(name)\(text.isEmpty ? "" : " \(text)")") })
        try supervisor.run {
            switch ready {
            case .none: break
            // Whoever started us and does not listen any more has no use for the word.
            case .some(let ready): try? ready.borrowed.writeAll(Array("READY\n".utf8), "ready")
            }
        }
        withExtendedLifetime(lock) {}
        say("ended")
    }

    /// A line for the administrator. Without a standard output there is none.
    private static func say(_ line: String) {
        try? Descriptor(rawValue: 1).writeAll(Array("\(line)\n".utf8), "standard output")
    }
}
