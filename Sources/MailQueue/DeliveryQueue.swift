// DeliveryQueue: which delivery begins next, so that no destination holds up the others.
// queue-manager(8).
// SPDX-License-Identifier: MIT

import MailModel

/// One delivery to make: recipients of a message, by number, that share a destination.
struct PlannedDelivery: Hashable, Sendable {
    var message: QueueID
    var destination: Destination
    var recipients: [Int]
}

/// Waiting deliveries by destination, served in turn, within limits. No clock and no files; times
/// are seconds since 1970.
struct DeliveryQueue {
    private struct Site {
        var waiting = Backlog<PlannedDelivery>()
        var running = 0
        /// True while it stands in its channel's turn list.
        var hasTurn = false
    }

    var limits: Concurrency {
        didSet { for destination in Array(sites.keys) { offerTurn(to: destination) } }
    }
    private var sites: [Destination: Site] = [:]
    private var turns: [DeliveryChannel: Backlog<Destination>] = [
        .local: .init(), .remote: .init(),
    ]
    private var running: [DeliveryChannel: Int] = [.local: 0, .remote: 0]
    /// Destinations that could not be reached: until when they are left alone, and for how long
    /// they were the last time.
    private var silent: [Destination: (until: Int, pause: Int)] = [:]

    init(_ limits: Concurrency) { self.limits = limits }

    /// How many deliveries wait for a destination.
    func waiting(for destination: Destination) -> Int { sites[destination]?.waiting.count ?? 0 }

    mutating func append(_ delivery: PlannedDelivery) {
        sites[delivery.destination, default: Site()].waiting.append(delivery)
        offerTurn(to: delivery.destination)
    }

    /// The next delivery that may begin on a channel; nil when nothing waits or a limit is
    /// reached. Whoever gets one must call `ended`.
    mutating func next(on channel: DeliveryChannel) -> PlannedDelivery? {
        guard running[channel, default: 0] < limits.of(channel) else { return nil }
        while let destination = turns[channel]?.popFirst() {
            sites[destination]?.hasTurn = false
            guard let delivery = sites[destination]?.waiting.popFirst() else {
                forgetIfIdle(destination)
                continue
            }
            sites[destination]?.running += 1
            running[channel, default: 0] += 1
            offerTurn(to: destination)
            return delivery
        }
        return nil
    }

    /// A delivery that `next` gave is over.
    mutating func ended(_ delivery: PlannedDelivery) {
        let destination = delivery.destination
        running[destination.channel, default: 0] -= 1
        sites[destination]?.running -= 1
        offerTurn(to: destination)
        forgetIfIdle(destination)
    }

    /// Takes out all that waits for a destination.
    mutating func removeWaiting(for destination: Destination) -> [PlannedDelivery] {
        sites[destination]?.waiting.removeAll() ?? []
    }

    /// Nobody at the destination could be reached: it is left alone for a minute, and each time
    /// in a row for twice as long, up to 15 minutes.
    mutating func becameSilent(_ destination: Destination, now: Int) {
        let pause = min(900, max(60, (silent[destination]?.pause ?? 0) * 2))
        silent[destination] = (now + pause, pause)
        // What is long over is forgotten here, so that the table stays as small as the trouble.
        silent = silent.filter { $0.value.until + 3600 > now }
    }

    /// The destination answered.
    mutating func answered(_ destination: Destination) { silent[destination] = nil }

    /// True while a destination is left alone.
    func isSilent(_ destination: Destination, now: Int) -> Bool {
        silent[destination].map { $0.until > now } ?? false
    }

    /// Everything is worth a try again.
    mutating func forgetSilence() { silent = [:] }

    private mutating func forgetIfIdle(_ destination: Destination) {
        guard let site = sites[destination], site.running == 0, site.waiting.isEmpty,
            !site.hasTurn
        else { return }
        sites[destination] = nil
    }

    private mutating func offerTurn(to destination: Destination) {
        guard let site = sites[destination], !site.hasTurn, !site.waiting.isEmpty,
            destination == .local || site.running < limits.of(destination)
        else { return }
        sites[destination]?.hasTurn = true
        turns[destination.channel]?.append(destination)
    }
}
