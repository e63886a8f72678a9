// queue-manager: schedules deliveries, retries, and reports what failed.
// queue-manager(8).
// SPDX-License-Identifier: MIT

import Control
import Glibc
import MailQueue
import UnixIO

@main
struct QueueManager {
    /// sysexits(3).
    private enum Exit {
        static let usage: Int32 = 64
        static let system: Int32 = 71
        static let locked: Int32 = 75
        static let configuration: Int32 = 78
    }

    static let usage = Usage(
        "queue-manager", "Delivers what is in the queue.",
        [
            .root,
            .value("concurrency-local", "N", "local deliveries at once; 20"),
            .value("concurrency-remote", "N", "remote deliveries at once; 20"),
            .value("concurrency-destination", "N", "of these to one domain; 10"),
            .value("active", "N", "messages that are worked on at once; 400"),
            .value("delivery-timeout", "TIME", "how long an agent may take; 1h"),
            .value("lifetime", "TIME", "how long a message is tried; 7d"),
            .readyDescriptor,
        ])

    static func main() {
        let options = usage.parseOrExit(misuse: Exit.usage)
        let log = Log("queue-manager")
        do {
            try run(options, log)
        } catch let error as UsageError {
            usage.fail("\(error)", Exit.usage)
        } catch let error as ControlError {
            usage.fail("\(error)", Exit.configuration)
        } catch {
            log.event("failed", ["error": "\(error)"])
            exit(Exit.system)
        }
    }

    private static func run(_ options: Options, _ log: Log) throws {
        let root = Root(options)
        let settings = try settings(options, root)
        Signals.ignoreBrokenPipes()
        let signals = try SignalDescriptor([SIGTERM, SIGINT, SIGHUP, SIGALRM])
        let path = "\(root.spool)/queue"
        let spool = try Spool(path, makes: true)
        let lock = try spool.lockForManager()
        guard lock != nil else {
            log.event("refused", ["why": "another manager runs this queue", "queue": path])
            exit(Exit.locked)
        }
        raiseDescriptorLimit()
        try spool.sweepTemporaryFiles()
        let runner = try QueueRunner(spool, settings, log: log)
        if let number = try options.integer("ready-fd") {
            let ready = OwnedDescriptor(Int32(clamping: number))
            // Whoever started us and does not listen any more has no use for the word.
            try? ready.borrowed.writeAll(Array("READY\n".utf8), "ready descriptor")
        }
        try runner.run(signals) { try Self.settings(options, root) }
    }

    private static func settings(_ options: Options, _ root: Root) throws -> RunnerSettings {
        var settings = try RunnerSettings(root)
        if let number = try options.integer("concurrency-local", in: 0...500) {
            settings.concurrency.local = number
        }
        if let number = try options.integer("concurrency-remote", in: 0...500) {
            settings.concurrency.remote = number
        }
        if let number = try options.integer("concurrency-destination", in: 1...500) {
            settings.concurrency.perDestination = number
        }
        if let number = try options.integer("active", in: 1...10_000) {
            settings.activeLimit = number
        }
        if let time = try options.duration("delivery-timeout") { settings.deliveryTimeout = time }
        if let time = try options.duration("lifetime") {
            settings.schedule.lifetime = min(
                Int(clamping: time.components.seconds), RetrySchedule.longestLifetime)
        }
        return settings
    }

    /// Each message that is worked on and each delivery takes a descriptor.
    private static func raiseDescriptorLimit() {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return }
        limit.rlim_cur = limit.rlim_max
        _ = setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    }
}
