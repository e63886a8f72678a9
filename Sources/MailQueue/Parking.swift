// Parking: messages for destinations that have enough of the room already.
// queue-manager(8).
// SPDX-License-Identifier: MIT

import MailModel

/// Ids of messages whose destination is crowded. They are not open, and nothing about them is
/// written; they are taken up when there is room at the destination.
struct Parking {
    /// How many ids are remembered at most; what is over is found again by listing.
    static let spaces = 50_000

    private var parked: [Destination: Backlog<FoundMessage>] = [:]
    private var ids: Set<QueueID> = []

    /// True when no message is parked.
    var isEmpty: Bool { ids.isEmpty }

    /// The destinations that messages are parked for.
    var destinations: [Destination] { Array(parked.keys) }

    func contains(_ id: QueueID) -> Bool { ids.contains(id) }

    /// Remembers a message.
    /// - Returns: false when there is no space.
    mutating func append(_ message: FoundMessage, for destination: Destination) -> Bool {
        guard ids.count < Parking.spaces else { return false }
        if ids.insert(message.id).inserted {
            parked[destination, default: Backlog()].append(message)
        }
        return true
    }

    /// Takes out some that wait for a destination.
    mutating func take(_ count: Int, for destination: Destination) -> [FoundMessage] {
        var taken: [FoundMessage] = []
        while taken.count < count, let message = parked[destination]?.popFirst() {
            ids.remove(message.id)
            taken.append(message)
        }
        if parked[destination]?.isEmpty ?? false { parked[destination] = nil }
        return taken
    }
}

extension QueueRunner {
    /// After how long without an end local deliveries count as slow, in microseconds.
    private static let slowness: UInt64 = 2_000_000

    /// How many deliveries may wait for one destination before its messages are parked: a quarter
    /// of the room. Local deliveries are ours and short; only while they do not get on are they
    /// bounded, to three quarters.
    private func share(of destination: Destination) -> Int {
        guard destination == .local else { return max(1, settings.activeLimit / 4) }
        let isSlow = away.contains(.local) || now > lastLocalEnd &+ QueueRunner.slowness
        return isSlow ? max(1, settings.activeLimit / 4 * 3) : .max
    }

    /// True when a destination has its share of the messages that are open.
    func isCrowded(_ destination: Destination) -> Bool {
        queue.waiting(for: destination) >= share(of: destination)
    }

    /// Closes a message until there is room at its destination.
    func park(_ message: ActiveMessage, for destination: Destination) {
        deactivate(message)
        let found = FoundMessage(id: message.id, place: message.place)
        guard !parking.append(found, for: destination) else { return }
        source.lookAgain(at: now &+ MessageSource.secondLook)
    }

    /// Takes up parked messages where a destination has room for as many again as it has waiting.
    func unpark() {
        for destination in parking.destinations {
            let share = min(share(of: destination), settings.activeLimit)
            let room = share - queue.waiting(for: destination)
            guard room * 2 >= share else { continue }
            for found in parking.take(room, for: destination) {
                source.tell(found.id, at: found.place)
            }
        }
    }
}
