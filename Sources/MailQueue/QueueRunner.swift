// QueueRunner: the manager's loop.
// queue-manager(8).
// SPDX-License-Identifier: MIT

import Control
import Glibc
import MailModel
import UnixIO

/// Runs one queue: one thread, one poll loop. It holds a bounded number of messages open and
/// lists folders as it goes, so that neither memory nor start-up grows with what is deferred.
public final class QueueRunner {
    /// How long results are gathered before they are written, in microseconds.
    static let gathering: UInt64 = 100_000
    /// How many finished messages are gathered at most.
    static let gatheredAtMost = 256
    /// With so many messages of which nothing can be written down, only such deliveries are begun
    /// as need no writing down.
    static let stuckAtMost = 20
    /// How often `new` is listed without a reason, in microseconds.
    static let scanInterval: UInt64 = 600_000_000

    let spool: Spool
    var settings: RunnerSettings
    let log: ManagerLog
    let clock: () -> UInt64
    /// The time of this turn of the loop, in microseconds since 1970.
    var now: UInt64

    var active: [QueueID: ActiveMessage] = [:]
    var admission: Admission
    var source: MessageSource
    var queue: DeliveryQueue
    var parking = Parking()
    var overflow = Overflow()
    var running: [RunningDelivery] = []
    var kept = KeptAgents()
    /// Until when no delivery is begun on a channel, since its agent is away.
    var pausedUntil: [DeliveryChannel: UInt64] = [:]
    var away: Set<DeliveryChannel> = []
    /// Messages whose results must be written soon, and those to look at again.
    var unsaved: Set<QueueID> = []
    var stuck: [QueueID: UInt64] = [:]
    /// Messages whose file is gone but whose folder is not synced.
    var removed: [(id: QueueID, folder: String, hasState: Bool)] = []
    var flushAt: UInt64?
    var sweeping: StateSweep
    /// What was last tried before this is due.
    var everythingDueBefore: UInt64 = 0
    var isStopping = false

    /// A runner of a queue whose lock the caller holds.
    /// - Throws: `QueueError.system`.
    public init(
        _ spool: Spool, _ settings: RunnerSettings, log: Log,
        clock: @escaping () -> UInt64 = { WallClock.microseconds }
    ) throws(QueueError) {
        self.spool = spool
        self.settings = settings
        self.log = ManagerLog(log, settings.logFormat)
        self.clock = clock
        now = clock()
        sweeping = StateSweep(from: now &+ StateSweep.interval)
        queue = DeliveryQueue(settings.concurrency)
        admission = Admission(limit: settings.activeLimit)
        do throws(SystemError) {
            source = try MessageSource(spool, now: now)
        } catch {
            throw .system(error)
        }
    }

    /// Runs until SIGTERM or SIGINT. SIGALRM makes everything due, SIGHUP calls `reload`.
    /// - Throws: `QueueError.system` when waiting is impossible.
    public func run(
        _ signals: borrowing SignalDescriptor, reload: () throws -> RunnerSettings
    ) throws(QueueError) {
        do throws(SystemError) {
            logStatus()
            while !isStopping {
                work()
                try wait(signals.borrowed, atMost: .max)
                while let signal = try signals.next() { handle(signal, reload) }
            }
            try end()
        } catch {
            throw .system(error)
        }
    }

    private func heed(_ word: TriggerWord) {
        queue.forgetSilence()
        guard word == .flush else { return }
        everythingDueBefore = now
        source.everythingIsDue()
        log.event("flush")
    }

    private func handle(_ signal: Int32, _ reload: () throws -> RunnerSettings) {
        switch signal {
        case SIGALRM: heed(.flush)
        case SIGHUP:
            do {
                settings = try reload()
                queue.limits = settings.concurrency
                admission.limit = settings.activeLimit
                log.format = settings.logFormat
                log.event("reloaded")
            } catch {
                log.event("reload-failed", ["error": "\(error)"])
            }
        default: isStopping = true
        }
    }

    /// Reads the clock. When it was set back, what was to happen soon happens now, and not after
    /// the difference.
    private func readClock() {
        let moment = clock()
        let isSetBack = moment &+ 1_000_000 < now
        now = moment
        guard isSetBack else { return }
        log.event("clock-set-back")
        flushAt = flushAt.map { _ in now }
        stuck = stuck.mapValues { _ in now }
        pausedUntil = [:]
        sweeping.moment = sweeping.moment.map { _ in now }
        everythingDueBefore = min(everythingDueBefore, now)
        source.lookAgain(at: now)
    }

    /// One turn: takes in messages, begins deliveries, writes what must be written.
    func work() {
        readClock()
        for (id, moment) in stuck where moment <= now {
            stuck[id] = nil
            if let message = active[id] { settle(message) }
        }
        kept.expire(now)
        fill()
        start()
        if let flushAt, flushAt <= now || removed.count >= QueueRunner.gatheredAtMost { flush() }
        sweep()
    }

    /// Waits for agents, the trigger and signals, and takes in what came.
    func wait(_ signals: Descriptor?, atMost limit: Int32) throws(SystemError) {
        var entries = [
            pollfd(fd: signals?.rawValue ?? -1, events: Int16(POLLIN), revents: 0),
            pollfd(fd: source.trigger.rawValue, events: Int16(POLLIN), revents: 0),
        ]
        let polled = running
        entries += polled.map { pollfd(fd: $0.number, events: Int16(POLLIN), revents: 0) }
        entries += kept.entries
        let timeout = min(limit, pollTimeout)
        let ready = try retrying("poll", "queue") {
            poll(&entries, nfds_t(entries.count), timeout)
        }
        readClock()
        if ready > 0 {
            if entries[1].revents != 0 { source.readTrigger().forEach(heed) }
            kept.letGo(entries.dropFirst(2 + polled.count))
            for (entry, delivery) in zip(entries.dropFirst(2), polled) where entry.revents != 0 {
                advance(delivery)
            }
        }
        for delivery in running where delivery.deadline <= now {
            lose(delivery, "no answer in time")
        }
    }

    /// True when nothing is left to do before some later moment.
    var isIdle: Bool {
        active.isEmpty && running.isEmpty && removed.isEmpty && parking.isEmpty
            && min(source.newMoment, source.deferredMoment) > now
    }

    /// Milliseconds until something must be done without being told.
    private var pollTimeout: Int32 {
        var moment = now &+ 60_000_000
        if takesMessages { moment = min(moment, source.newMoment, source.deferredMoment) }
        // Of many rows only some are looked at in one turn.
        if !parking.isEmpty { moment = min(moment, now &+ 100_000) }
        let others = [
            flushAt, stuck.values.min(), pausedUntil.values.min(), sweeping.moment, kept.moment,
        ]
        for other in others {
            if let other { moment = min(moment, other) }
        }
        if let deadline = running.map(\.deadline).min() { moment = min(moment, deadline) }
        guard moment > now else { return 0 }
        return Int32(clamping: (moment - now) / 1000 + 1)
    }

    /// Waits for the deliveries that run, a bounded time, and writes down what became of them.
    private func end() throws(SystemError) {
        log.event("stopping", ["running": "\(running.count)"])
        logStatus()
        kept.removeAll()
        let deadline = Deadline.after(settings.grace)
        while !running.isEmpty, !deadline.hasPassed {
            let polled = running
            var entries = polled.map {
                pollfd(fd: $0.number, events: Int16(POLLIN), revents: 0)
            }
            _ = try retrying("poll", "queue") {
                poll(&entries, nfds_t(entries.count), deadline.pollTimeout)
            }
            now = clock()
            for (entry, delivery) in zip(entries, polled) where entry.revents != 0 {
                advance(delivery)
            }
        }
        flush()
        log.stopped(abandoned: running.count)
    }
}
