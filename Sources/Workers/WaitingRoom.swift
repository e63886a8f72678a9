// WaitingRoom: connections that say nothing yet, held by one process of a pool.
// chainmail(7), section PROCESSES.
// SPDX-License-Identifier: MIT

import CUnix
import Glibc
import UnixIO

/// Why a connection leaves a waiting room without having spoken.
public enum WaitingEnd: Sendable {
    /// It waited for as long as it may.
    case timedOut
    /// It made room for another.
    case crowdedOut
    /// The pool ends.
    case stopping
    /// The client went away.
    case gone
}

/// A client that says nothing holds no worker: whoever accepted it hands it in here, and once it
/// speaks any idle worker gets it, with the note that was left. One that goes away, waits for too
/// long or makes room for others is closed here.
public final class WaitingRoom {
    /// The most connections that wait, where nobody says another number.
    public static let capacity = 256
    /// How long they may wait, where nobody says anything else.
    public static let patience = Duration.seconds(60)
    /// Workers give a client so long for its first byte, in milliseconds. Most have sent it by the
    /// time that they are accepted, and one that has not costs no more than this.
    public static let courtesy: Int32 = 2
    /// How often it is looked for those whose time is over.
    private static let interval = Duration.milliseconds(100)

    /// The last words to a client, which may be none.
    public typealias Farewell = (WaitingGuest, WaitingEnd) -> [UInt8]

    /// The process that holds the guests, for all to see.
    private let holderWord: UnsafeMutablePointer<Int32>
    private let entrance: GuestChannel
    private let exit: GuestChannel
    private(set) var capacity: Int
    private let farewell: Farewell
    private var guests: WaitingGuests
    private var set: OwnedDescriptor?
    /// True while no more fit into the exit.
    private var isBlocked = false
    private var nextLook = Deadline.never

    /// A room of this capacity. `farewell` is called in the process that holds it.
    public init(
        capacity: Int = WaitingRoom.capacity, farewell: @escaping Farewell = { _, _ in [] }
    ) throws(SystemError) {
        guard let word = cunix_shared_counters(1) else {
            throw SystemError.last("mmap", "waiting room")
        }
        holderWord = word
        entrance = try GuestChannel()
        exit = try GuestChannel()
        self.capacity = max(1, capacity)
        self.farewell = farewell
        guests = WaitingGuests()
    }

    // MARK: For workers

    /// The process that holds the guests; 0 before there is one.
    public var holder: pid_t { cunix_counter_get(holderWord) }

    /// What to wait for beside the listeners.
    var awaited: Descriptor { exit.reading }

    /// True when there is something to read, the end, or an error, at the latest after so many
    /// milliseconds.
    public static func speaks(
        _ socket: Descriptor, within milliseconds: Int32 = WaitingRoom.courtesy
    ) -> Bool {
        var entry = pollfd(fd: socket.rawValue, events: Int16(POLLIN), revents: 0)
        return poll(&entry, 1, milliseconds) != 0
    }

    /// Hands a connection in; ours may be closed then.
    /// - Returns: false when there is no way in at this moment.
    public func takesIn(_ socket: Descriptor, _ guest: WaitingGuest) -> Bool {
        entrance.send(guest, socket.rawValue)
    }

    /// The next connection that speaks; nil when another worker was faster.
    func next() -> (socket: Int32, guest: WaitingGuest)? { exit.receive() }

    /// In a process that was forked: the guests are not its own.
    func leave() {
        guests = WaitingGuests()
        set = nil
    }

    // MARK: For the process that holds them

    /// Begins to hold guests in this process.
    func open() throws(SystemError) {
        let number = try retrying("epoll_create1", "waiting room") { cunix_epoll() }
        set = OwnedDescriptor(number)
        cunix_counter_set(holderWord, getpid())
    }

    /// No more than so many, since there may not be so many open files.
    func hold(atMost count: Int) { capacity = max(1, min(capacity, count)) }

    /// What to poll.
    var entries: [pollfd] {
        let entry = { (number: Int32, events: Int32) in
            pollfd(fd: number, events: Int16(events), revents: 0)
        }
        let way = entry(entrance.reading.rawValue, POLLIN)
        // While the exit is full, those that speak must wait and not wake us.
        if isBlocked { return [way, entry(exit.writing.rawValue, POLLOUT)] }
        return [way] + (setNumber.map { [entry($0, POLLIN)] } ?? [])
    }

    /// When somebody may have waited too long.
    var deadline: Deadline { nextLook }

    /// Takes in who comes, lets out who speaks, and closes who went away or never speaks.
    /// - Returns: how many were closed that did not go away themselves.
    func tend() -> Int {
        var closed = 0
        while let (socket, guest) = entrance.receive() { closed += admit(socket, guest) }
        letOut()
        if nextLook.hasPassed {
            for number in guests.overdue where !speaks(number) {
                end(number, .timedOut)
                closed += 1
            }
            planLook()
        }
        return closed
    }

    /// Closes all, those too who are on their way to a worker.
    func closeAll() {
        while let (socket, guest) = entrance.receive() { _ = admit(socket, guest) }
        while let (socket, guest) = exit.receive() { _ = admit(socket, guest) }
        for number in guests.numbers { end(number, .stopping) }
        planLook()
    }

    private var setNumber: Int32? {
        // A borrow of an optional that cannot be copied.
        switch set {
        case .none: nil
        case .some(let descriptor): descriptor.number
        }
    }

    private func admit(_ socket: Int32, _ guest: WaitingGuest) -> Int {
        var closed = 0
        if guests.count >= capacity, let number = guests.oldestOfBusiest {
            end(number, .crowdedOut)
            closed = 1
        }
        guests.add(OwnedDescriptor(socket), guest)
        nextLook = min(nextLook, guest.until)
        if let setNumber { _ = cunix_epoll_add(setNumber, socket) }
        return closed
    }

    private func letOut() {
        isBlocked = false
        guard let setNumber else { return }
        var ready = [Int32](repeating: -1, count: 64)
        while true {
            let count = cunix_epoll_ready(setNumber, &ready, Int32(ready.count))
            guard count > 0 else { return }
            for number in ready.prefix(Int(count)) {
                guard let guest = guests[number] else { continue }
                guard speaks(number) else {
                    end(number, .gone)
                    continue
                }
                guard exit.send(guest, number) else {
                    isBlocked = true
                    return
                }
                remove(number)
            }
        }
    }

    /// False at the end of what the client says.
    private func speaks(_ number: Int32) -> Bool {
        var byte: UInt8 = 0
        return recv(number, &byte, 1, Int32(MSG_PEEK | MSG_DONTWAIT)) > 0
    }

    private func end(_ number: Int32, _ reason: WaitingEnd) {
        guard let guest = guests[number] else { return }
        let words = farewell(guest, reason)
        if !words.isEmpty, reason != .gone {
            let flags = Int32(MSG_NOSIGNAL | MSG_DONTWAIT)
            _ = words.withUnsafeBytes { send(number, $0.baseAddress, $0.count, flags) }
        }
        remove(number)
    }

    /// The set knows the open file, which others may have too, so closing alone is not enough.
    private func remove(_ number: Int32) {
        if let setNumber { _ = cunix_epoll_remove(setNumber, number) }
        guests.remove(number)
    }

    /// The next look is when the first one's time is over, and not at once when a guest whose time
    /// is over is about to be let out.
    private func planLook() {
        nextLook = guests.isEmpty ? .never : max(guests.firstEnd, .after(Self.interval))
    }
}
