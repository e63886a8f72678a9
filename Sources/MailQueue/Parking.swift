// Parking: messages for which there is no room yet.
// queue-manager(8).
// SPDX-License-Identifier: MIT

import MailModel

/// Ids of messages that wait for room, by what they wait for. They are not open, and nothing about
/// them is written.
struct Parking {
    /// What a message waits for.
    struct Row: Hashable, Sendable {
        var destination: Destination
        var precedence: Precedence
    }

    /// How many ids are remembered at most.
    static let spaces = 50_000

    private var rows: [Row: Backlog<FoundMessage>] = [:]
    /// The rows of each precedence, in turn.
    private var turns = Array(repeating: Backlog<Row>(), count: Precedence.allCases.count)
    private var ids: Set<QueueID> = []
    private let spaces: Int

    init(spaces: Int = Parking.spaces) { self.spaces = spaces }

    /// True when no message is parked.
    var isEmpty: Bool { ids.isEmpty }

    /// How many are parked.
    var count: Int { ids.count }

    /// True when three quarters of the spaces are free.
    var isNearlyEmpty: Bool { ids.count < spaces / 4 }

    func contains(_ id: QueueID) -> Bool { ids.contains(id) }

    /// How many wait in a row.
    func count(in row: Row) -> Int { rows[row]?.count ?? 0 }

    /// Remembers a message.
    /// - Returns: false when there is no space: later attempts may use half of it, large mail
    ///   three quarters.
    mutating func append(_ message: FoundMessage, in row: Row) -> Bool {
        let share =
            switch row.precedence {
            case .report, .small, .ordinary: spaces
            case .large: spaces * 3 / 4
            case .retried: spaces / 2
            }
        guard ids.count < share else { return false }
        guard ids.insert(message.id).inserted else { return true }
        if rows[row] == nil { turns[row.precedence.rawValue].append(row) }
        rows[row, default: Backlog()].append(message)
        return true
    }

    /// Takes out the first message of the next row of a precedence that may go on; nil when it was
    /// none of so many rows.
    mutating func next(
        _ precedence: Precedence, lookingAt most: Int, where mayGoOn: (Row) -> Bool
    ) -> FoundMessage? {
        let index = precedence.rawValue
        for _ in 0..<min(most, turns[index].count) {
            guard let row = turns[index].popFirst() else { return nil }
            guard mayGoOn(row), let message = rows[row]?.popFirst() else {
                turns[index].append(row)
                continue
            }
            ids.remove(message.id)
            if rows[row]?.isEmpty ?? true { rows[row] = nil } else { turns[index].append(row) }
            return message
        }
        return nil
    }
}
