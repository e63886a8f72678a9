// queue-message: the way into the queue, once as qmail-queue or resident.
// queue-message(8).
// SPDX-License-Identifier: MIT

import Control
import Glibc
import MailModel
import MailQueue
import UnixIO
import Workers

@main
struct QueueMessage {
    static let usage = Usage(
        "queue-message", "Queues the message on descriptor 0 with the envelope on descriptor 1.",
        [
            .root,
            .flag("serve", "stay, and serve the socket queue-message in the run folder"),
            .value("workers", "MIN-MAX", "resident: so many processes; 4-32"),
            .values("trust", "UID", "resident: a user whose facts about clients are believed"),
            .readyDescriptor,
        ])

    static func main() {
        let options = usage.parseOrExit()
        let root = Root(options)
        if options.has("serve") { return serve(options, root) }
        Signals.ignoreBrokenPipes()
        exitOnTrouble()
        let entrance = QueueEntrance(
            socket: root.socket("queue-message"), spoolPath: root.spool,
            timeLimit: .seconds(300))
        let code = entrance.pass(
            message: Descriptor(rawValue: 0), envelope: Descriptor(rawValue: 1))
        exit(code.rawValue)
    }

    /// As qmail-queue: after a day, exit 52; a defect of ours, exit 81. Nothing is left behind,
    /// since a message has no name before it is whole.
    private static func exitOnTrouble() {
        signal(SIGALRM) { _ in _exit(FilterExit.timedOut.rawValue) }
        alarm(86_400)
        for number in [SIGILL, SIGTRAP, SIGABRT, SIGFPE, SIGBUS, SIGSEGV, SIGSYS] {
            signal(number) { _ in _exit(FilterExit.internalBug.rawValue) }
        }
    }

    private static func serve(_ options: Options, _ root: Root) {
        let log = Log("queue-message")
        do {
            var pool = PoolOptions(
                name: "queue-message", workers: try options.range("workers") ?? 4...32)
            pool.clientsSpeakFirst = true
            pool.readyDescriptor = try options.integer("ready-fd").map { Int32(clamping: $0) }
            let trusted = try trustedUsers(options)
            try Files.makeFolders(root.run)
            let spool = try Spool("\(root.spool)/queue", makes: true)
            try spool.sweepTemporaryFiles()
            let socket = root.socket("queue-message")
            let listener = try UnixSocket.listen(at: socket, mode: 0o666)
            try Pool(pool, listeners: [listener.borrowed]) {
                QueueService(spool, trusted: trusted, socket: socket, log: log)
            } worker: { service in
                { descriptor, _, _ in service.serve(descriptor) }
            }.run()
        } catch let error as UsageError {
            usage.fail("\(error)", FilterExit.badConfiguration.rawValue)
        } catch {
            log.event("failed", ["error": "\(error)"])
            exit(FilterExit.cannotWrite.rawValue)
        }
    }

    private static func trustedUsers(_ options: Options) throws(UsageError) -> Set<uid_t> {
        var users: Set<uid_t> = []
        for text in options.all("trust") {
            guard let number = uid_t(text) else {
                throw UsageError("--trust \(text): not the number of a user")
            }
            users.insert(number)
        }
        return users
    }
}
