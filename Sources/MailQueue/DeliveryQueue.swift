// DeliveryQueue: which delivery begins next, so that no destination holds up the others.
// queue-manager(8).
// SPDX-License-Identifier: MIT

import MailModel

/// One delivery to make: recipients of a message, by number, that share a destination.
struct PlannedDelivery: Hashable, Sendable {
    var message: QueueID
    var destination: Destination
    var recipients: [Int]
    var precedence = Precedence.ordinary
    /// The lane it was begun in; nil while it waits.
    fileprivate(set) var lane: Lane?

    init(
        message: QueueID, destination: Destination, recipients: [Int],
        precedence: Precedence = .ordinary
    ) {
        self.message = message
        self.destination = destination
        self.recipients = recipients
        self.precedence = precedence
    }
}

/// Waiting deliveries by destination, served in turn, within limits. No clock and no files; times
/// are seconds since 1970.
struct DeliveryQueue {
    private struct Site {
        /// By precedence.
        var waiting = Array(
            repeating: Backlog<PlannedDelivery>(), count: Precedence.allCases.count)
        var running = 0
        /// The lanes in whose turn lists it stands.
        var turns: Set<Lane> = []

        var waitingCount: Int { waiting.reduce(0) { $0 + $1.count } }
    }

    /// After so many deliveries in a row over one connection others have their turn.
    static let longestRun = 10

    var limits: Concurrency {
        didSet { for destination in Array(sites.keys) { offerTurns(to: destination) } }
    }
    private(set) var health = DestinationHealth()
    private var sites: [Destination: Site] = [:]
    private var turns: [DeliveryChannel: [Backlog<Destination>]] = [:]
    private var running: [DeliveryChannel: LaneCounts] = [:]
    private var begun = 0

    init(_ limits: Concurrency) {
        self.limits = limits
        for channel in DeliveryChannel.allCases {
            turns[channel] = Array(repeating: Backlog(), count: Lane.allCases.count)
            running[channel] = LaneCounts()
        }
    }

    /// How many deliveries wait for a destination.
    func waiting(for destination: Destination) -> Int { sites[destination]?.waitingCount ?? 0 }

    /// How many of one precedence.
    func waiting(for destination: Destination, _ precedence: Precedence) -> Int {
        sites[destination]?.waiting[precedence.rawValue].count ?? 0
    }

    /// The lane that a delivery would have now.
    func lane(of precedence: Precedence, to destination: Destination) -> Lane {
        Lane(precedence, health.standing(of: destination))
    }

    mutating func append(_ delivery: PlannedDelivery) {
        var delivery = delivery
        delivery.lane = nil
        sites[delivery.destination, default: Site()]
            .waiting[delivery.precedence.rawValue].append(delivery)
        offerTurns(to: delivery.destination)
    }

    /// The next delivery that may begin on a channel; nil when nothing waits or a limit is
    /// reached. The better lanes come first, but every fourth time the others. Whoever gets one
    /// must call `ended`.
    mutating func next(on channel: DeliveryChannel) -> PlannedDelivery? {
        let isOthersTurn = begun % 4 == 3
        for lane in isOthersTurn ? Lane.allCases.reversed() : Lane.allCases {
            guard hasRoom(in: lane, of: channel) else { continue }
            while let destination = turns[channel]?[lane.rawValue].popFirst() {
                sites[destination]?.turns.remove(lane)
                guard let delivery = begin(destination, in: lane) else {
                    // What stood here has another lane by now, or is gone.
                    offerTurns(to: destination)
                    forgetIfIdle(destination)
                    continue
                }
                return delivery
            }
        }
        return nil
    }

    /// The next delivery for a destination whose connection is still there after a run of so many
    /// over it; nil when nothing waits for it, when a limit is reached, or when the run was long
    /// and others wait. Whoever gets one must call `ended`.
    mutating func next(for destination: Destination, run: Int) -> PlannedDelivery? {
        let channel = destination.channel
        for lane in Lane.allCases where hasRoom(in: lane, of: channel) {
            if run >= DeliveryQueue.longestRun, hasTurn(in: lane, of: channel, but: destination) {
                return nil
            }
            if let delivery = begin(destination, in: lane) { return delivery }
        }
        return nil
    }

    /// A delivery that `next` gave is over.
    mutating func ended(_ delivery: PlannedDelivery) {
        let destination = delivery.destination
        if let lane = delivery.lane { running[destination.channel]?[lane] -= 1 }
        sites[destination]?.running -= 1
        offerTurns(to: destination)
        forgetIfIdle(destination)
    }

    /// Takes out all that waits for a destination.
    mutating func removeWaiting(for destination: Destination) -> [PlannedDelivery] {
        var removed: [PlannedDelivery] = []
        for precedence in Precedence.allCases {
            removed += sites[destination]?.waiting[precedence.rawValue].removeAll() ?? []
        }
        return removed
    }

    /// Nobody at the destination could be reached.
    /// - Returns: true when it is to be left alone.
    mutating func failed(_ destination: Destination, now: Int, reason: String) -> Bool {
        health.failed(
            destination, limit: limits.of(destination), now: now, reason: reason)
    }

    /// The destination answered.
    mutating func answered(_ destination: Destination) {
        health.answered(destination, limit: limits.of(destination))
        offerTurns(to: destination)
    }

    /// Why a destination is left alone now, and until when; nil when a delivery may be planned:
    /// also one to a failing destination whose pause is over, to see whether it answers.
    func silence(of destination: Destination, now: Int) -> (until: Int, reason: String)? {
        guard let silence = health.silence(of: destination) else { return nil }
        let isProbed = sites[destination].map { $0.running > 0 || $0.waitingCount > 0 } ?? false
        // A clock that was set back makes no pause longer.
        let left = silence.until - now
        return isProbed || (left > 0 && left <= DestinationHealth.longestPause) ? silence : nil
    }

    /// Everything is worth a try again.
    mutating func forgetSilence() {
        health.forgetFailures()
        for destination in Array(sites.keys) { offerTurns(to: destination) }
    }

    private func hasRoom(in lane: Lane, of channel: DeliveryChannel) -> Bool {
        running[channel]?.hasRoom(in: lane, limit: limits.of(channel)) ?? false
    }

    /// True when another destination waits in this lane, with room at its own limit.
    private func hasTurn(
        in lane: Lane, of channel: DeliveryChannel, but destination: Destination
    ) -> Bool {
        let own = sites[destination]?.turns.contains(lane) ?? false
        return (turns[channel]?[lane.rawValue].count ?? 0) > (own ? 1 : 0)
    }

    /// Begins a delivery of this lane; nil when there is none, or the destination's limit is
    /// reached.
    private mutating func begin(_ destination: Destination, in lane: Lane) -> PlannedDelivery? {
        guard let site = sites[destination], hasRoom(site, destination, lane) else { return nil }
        let standing = health.standing(of: destination)
        for precedence in Precedence.allCases where Lane(precedence, standing) == lane {
            guard var delivery = sites[destination]?.waiting[precedence.rawValue].popFirst()
            else { continue }
            delivery.lane = lane
            sites[destination]?.running += 1
            running[destination.channel]?[lane] += 1
            begun &+= 1
            offerTurns(to: destination)
            return delivery
        }
        return nil
    }

    private func hasRoom(_ site: Site, _ destination: Destination, _ lane: Lane) -> Bool {
        guard destination != .local else { return true }
        let window = health.window(of: destination, limit: limits.of(destination))
        return site.running < lane.share(ofDestination: window)
    }

    private mutating func offerTurns(to destination: Destination) {
        guard let site = sites[destination] else { return }
        let standing = health.standing(of: destination)
        for precedence in Precedence.allCases where !site.waiting[precedence.rawValue].isEmpty {
            let lane = Lane(precedence, standing)
            guard hasRoom(site, destination, lane),
                sites[destination]?.turns.insert(lane).inserted ?? false
            else { continue }
            turns[destination.channel]?[lane.rawValue].append(destination)
        }
    }

    private mutating func forgetIfIdle(_ destination: Destination) {
        guard let site = sites[destination], site.running == 0, site.turns.isEmpty,
            site.waitingCount == 0
        else { return }
        sites[destination] = nil
    }
}
