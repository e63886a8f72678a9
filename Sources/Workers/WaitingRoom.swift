// WaitingRoom: connections that say nothing yet, held by the process of a pool that everybody knows.
// chainmail(7), section PROCESSES.
// SPDX-License-Identifier: MIT

import CUnix
import Glibc
import UnixIO

/// A client that connects and says nothing holds no worker: whoever accepted it hands it in here,
/// and once it speaks, or goes away, any idle worker gets it.
final class WaitingRoom {
    /// The most connections that wait; the one that has waited longest makes room for another.
    static let capacity = 256
    /// Whoever says nothing for so long is closed.
    static let patience = Duration.seconds(60)
    /// Workers give a client so long for its first byte, in milliseconds. Most have sent it by the
    /// time that they are accepted, and one that has not costs no more than this.
    static let courtesy: Int32 = 2

    private final class Guest {
        let socket: OwnedDescriptor
        let listener: UInt8
        let leaves = Deadline.after(WaitingRoom.patience)

        init(_ socket: consuming OwnedDescriptor, _ listener: UInt8) {
            self.socket = socket
            self.listener = listener
        }
    }

    private let entrance: SocketPair
    private let exit: SocketPair
    private var guests: [Guest] = []
    /// True while no more fit into the exit.
    private var isBlocked = false

    init() throws(SystemError) {
        entrance = try SocketPair()
        exit = try SocketPair()
    }

    // MARK: For workers

    /// What to wait for beside the listeners.
    var awaited: Descriptor { exit.reading }

    /// True when there is something to read, the end, or an error.
    static func speaks(_ socket: borrowing OwnedDescriptor) -> Bool {
        var entry = pollfd(fd: socket.number, events: Int16(POLLIN), revents: 0)
        return poll(&entry, 1, courtesy) != 0
    }

    /// Hands a connection in; ours may be closed then.
    /// - Returns: false when there is no way in at this moment.
    func takesIn(_ socket: borrowing OwnedDescriptor, _ listener: Int) -> Bool {
        entrance.send(UInt8(truncatingIfNeeded: listener), socket.number)
    }

    /// The next connection that speaks; nil when another worker was faster.
    func next() -> (socket: Int32, listener: Int)? {
        exit.receive().map { ($0.descriptor, Int($0.word)) }
    }

    /// In a process that was forked: the guests are not its own.
    func leave() { guests = [] }

    // MARK: For the process that holds them

    /// What to poll.
    var entries: [pollfd] {
        let entry = { (number: Int32, events: Int32) in
            pollfd(fd: number, events: Int16(events), revents: 0)
        }
        // While the exit is full, those that speak must wait and not wake us.
        guard !isBlocked else {
            return [
                entry(entrance.reading.rawValue, POLLIN), entry(exit.writing.rawValue, POLLOUT),
            ]
        }
        return [entry(entrance.reading.rawValue, POLLIN)]
            + guests.map { entry($0.socket.number, POLLIN) }
    }

    /// When the next one has waited too long.
    var deadline: Deadline { guests.first?.leaves ?? .never }

    /// Takes in who comes, lets out who speaks, and closes who never does.
    /// - Returns: how many were closed.
    func tend() -> Int {
        while let (word, descriptor) = entrance.receive() {
            guests.append(Guest(OwnedDescriptor(descriptor), word))
        }
        isBlocked = false
        var staying: [Guest] = []
        for (guest, speaks) in zip(guests, speaking()) {
            if speaks, !isBlocked, exit.send(guest.listener, guest.socket.number) { continue }
            isBlocked = isBlocked || speaks
            staying.append(guest)
        }
        let count = staying.count
        staying.removeAll(where: \.leaves.hasPassed)
        guests = staying.suffix(WaitingRoom.capacity)
        return count - guests.count
    }

    private func speaking() -> [Bool] {
        var entries = guests.map {
            pollfd(fd: $0.socket.number, events: Int16(POLLIN), revents: 0)
        }
        guard poll(&entries, nfds_t(entries.count), 0) > 0 else {
            return entries.map { _ in false }
        }
        return entries.map { $0.revents != 0 }
    }
}

/// Two sockets that pass on descriptors, each with one byte, between a process and its forks.
private struct SocketPair: ~Copyable {
    private let readEnd: OwnedDescriptor
    private let writeEnd: OwnedDescriptor

    init() throws(SystemError) {
        var ends: [Int32] = [-1, -1]
        let type = SOCK_SEQPACKET.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue
        _ = try retrying("socketpair", "waiting room") {
            socketpair(AF_UNIX, Int32(type), 0, &ends)
        }
        readEnd = OwnedDescriptor(ends[0])
        writeEnd = OwnedDescriptor(ends[1])
    }

    var reading: Descriptor { readEnd.borrowed }
    var writing: Descriptor { writeEnd.borrowed }

    /// False when it is full.
    func send(_ word: UInt8, _ descriptor: Int32) -> Bool {
        var word = word
        var descriptor = descriptor
        return cunix_send(writeEnd.number, &word, 1, &descriptor, 1) == 1
    }

    /// Nil when it is empty.
    func receive() -> (word: UInt8, descriptor: Int32)? {
        var word: UInt8 = 0
        var descriptors: [Int32] = [-1, -1, -1, -1]
        var count = 0
        let got = cunix_receive(readEnd.number, &word, 1, &descriptors, &count)
        guard got == 1, count == 1 else {
            for number in descriptors.prefix(count) { close(number) }
            return nil
        }
        return (word, descriptors[0])
    }
}
