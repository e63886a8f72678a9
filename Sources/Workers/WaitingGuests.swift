// WaitingGuests: who is in a waiting room, by descriptor and by crowd.
// chainmail(7), section PROCESSES.
// SPDX-License-Identifier: MIT

import MailModel
import UnixIO

/// What is to be known of a connection that waits.
public struct WaitingGuest: Sendable {
    /// The index of the listener that it came by.
    public var listener: Int
    /// When it has waited too long.
    public var until: Deadline
    /// Those with the same are one crowd: of the biggest one goes when there is no more room.
    public var crowd: [UInt8]
    /// For whoever goes on with it: empty for a connection of which nothing is known yet.
    public var note: [UInt8]

    /// A guest of these parts.
    public init(listener: Int, until: Deadline, crowd: [UInt8] = [], note: [UInt8] = []) {
        self.listener = listener
        self.until = until
        self.crowd = crowd
        self.note = note
    }

    /// The most bytes that its frame may have.
    static let limit = 64 << 10

    var frame: [UInt8] {
        var fields = Fields()
        fields.append("listener", listener)
        fields.append("until", until.monotonicNanoseconds.description)
        fields.append("crowd", crowd)
        fields.append("note", note)
        return fields.frame
    }

    init?(frame: [UInt8]) {
        guard let fields = try? Fields(frame: frame), let listener = try? fields.number("listener"),
            let until = fields.text("until").flatMap({ UInt64($0) })
        else { return nil }
        self.listener = listener
        self.until = Deadline(monotonicNanoseconds: until)
        crowd = fields["crowd"] ?? []
        note = fields["note"] ?? []
    }
}

/// The guests of a room. Their sockets are closed when they are removed.
struct WaitingGuests {
    private final class Place {
        let socket: OwnedDescriptor
        let guest: WaitingGuest
        /// Counts the guests, so that a number that is used again is not taken for the one before.
        let ticket: UInt64

        init(_ socket: consuming OwnedDescriptor, _ guest: WaitingGuest, _ ticket: UInt64) {
            self.socket = socket
            self.guest = guest
            self.ticket = ticket
        }
    }

    /// In the order in which they came; those who have left are passed over.
    private struct Crowd {
        var count = 0
        var queue: [(number: Int32, ticket: UInt64)] = []
    }

    private var places: [Int32: Place] = [:]
    private var crowds: [[UInt8]: Crowd] = [:]
    private var tickets: UInt64 = 0

    var count: Int { places.count }
    var isEmpty: Bool { places.isEmpty }
    var numbers: [Int32] { Array(places.keys) }

    subscript(number: Int32) -> WaitingGuest? { places[number]?.guest }

    /// Those whose time is over.
    var overdue: [Int32] {
        places.filter { $0.value.guest.until.hasPassed }.map(\.key)
    }

    /// The first end of all.
    var firstEnd: Deadline { places.values.map(\.guest.until).min() ?? .never }

    /// The one who has waited longest among those of the biggest crowd.
    var oldestOfBusiest: Int32? {
        let busiest = crowds.max { $0.value.count < $1.value.count }?.value
        return busiest?.queue.first { places[$0.number]?.ticket == $0.ticket }?.number
    }

    mutating func add(_ socket: consuming OwnedDescriptor, _ guest: WaitingGuest) {
        let number = socket.number
        tickets &+= 1
        places[number] = Place(socket, guest, tickets)
        crowds[guest.crowd, default: Crowd()].count += 1
        crowds[guest.crowd]?.queue.append((number, tickets))
    }

    mutating func remove(_ number: Int32) {
        guard let place = places.removeValue(forKey: number) else { return }
        let crowd = place.guest.crowd
        guard var rest = crowds.removeValue(forKey: crowd) else { return }
        rest.count -= 1
        guard rest.count > 0 else { return }
        if rest.queue.count > 2 * rest.count + 16 {
            rest.queue.removeAll { places[$0.number]?.ticket != $0.ticket }
        }
        crowds[crowd] = rest
    }
}
