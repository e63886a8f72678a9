// Admission: how many messages of each kind are open at once.
// queue-manager(8).
// SPDX-License-Identifier: MIT

import MailModel

/// Counts messages that are open. Each lane, with those below it, keeps to its share, and each
/// channel to three quarters, so that neither what is worth less nor the other channel's trouble
/// keeps a message out.
struct Admission {
    /// Where a message was counted.
    struct Seat: Hashable, Sendable {
        var channel: DeliveryChannel
        var lane: Lane
    }

    var limit: Int
    private var lanes = LaneCounts()
    private var channels: [DeliveryChannel: Int] = [:]

    init(limit: Int) { self.limit = limit }

    /// How many messages are counted.
    var count: Int { lanes.total }

    /// True when one more may be open.
    func admits(_ seat: Seat) -> Bool {
        channels[seat.channel, default: 0] < max(1, limit * 3 / 4)
            && lanes.hasRoom(in: seat.lane, limit: limit)
    }

    mutating func enter(_ seat: Seat) {
        lanes[seat.lane] += 1
        channels[seat.channel, default: 0] += 1
    }

    mutating func leave(_ seat: Seat) {
        lanes[seat.lane] -= 1
        channels[seat.channel, default: 0] -= 1
    }
}
