// ClientTable: which clients are connected, in memory that a process and its forks share.
// mmap(2).
// SPDX-License-Identifier: MIT

import CUnix
import Glibc
import MailModel
import UnixIO

/// How many bits of an address make a network.
public struct NetworkPrefixes: Hashable, Sendable {
    /// Of IPv4: 0 to 32.
    public var version4: Int
    /// Of IPv6: 0 to 128. A client of IPv6 mostly has a whole /64.
    public var version6: Int

    /// Prefixes of these lengths, brought into their bounds.
    public init(version4: Int = 24, version6: Int = 64) {
        self.version4 = min(32, max(0, version4))
        self.version6 = min(128, max(0, version6))
    }

    /// The network that an address is in.
    public func network(of address: IPAddress) -> Network? {
        Network(address, prefixLength: address.isVersion4 ? version4 : version6)
    }
}

/// An address, or the first address of a network, as two words.
struct AddressKey: Equatable {
    let high: UInt64
    let low: UInt64

    /// IPv4 in its IPv6 form.
    init(_ address: IPAddress) {
        let mapped: [UInt8] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF]
        let bytes = address.isVersion4 ? mapped + address.bytes : address.bytes
        high = bytes.prefix(8).reduce(0) { $0 << 8 | UInt64($1) }
        low = bytes.dropFirst(8).reduce(0) { $0 << 8 | UInt64($1) }
    }

    init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// With the bits after the network's prefix cleared.
    func masked(_ prefixes: NetworkPrefixes) -> AddressKey {
        let isVersion4 = high == 0 && low >> 32 == 0xFFFF
        let length = isVersion4 ? 96 + prefixes.version4 : prefixes.version6
        return AddressKey(
            high: high & AddressKey.mask(length), low: low & AddressKey.mask(length - 64))
    }

    private static func mask(_ length: Int) -> UInt64 {
        length <= 0 ? 0 : length >= 64 ? .max : ~(UInt64.max >> UInt64(length))
    }
}

/// One place a connection, over all processes that were forked after the table was made. Its size
/// is fixed. A place belongs to a process; when that has died, it is free again. Its number is for
/// one connection alone: whoever still has it when another has the place can do nothing with it.
public struct ClientTable {
    /// Set in an owner while the address is being written.
    private static let isBeingTaken: UInt64 = 1 << 32
    /// Who has a place; above that, how often it was taken.
    private static let holder: UInt64 = (1 << 33) - 1

    /// How many places were ever used; then owner, high and low of each.
    private let words: UnsafeMutablePointer<UInt64>
    /// How many places there are.
    public let capacity: Int

    /// A table with so many places.
    /// - Throws: `SystemError` when there is no memory.
    public init(capacity: Int) throws(SystemError) {
        guard let words = cunix_shared_words(1 + 3 * max(1, capacity)) else {
            throw SystemError.last("mmap", "clients")
        }
        self.words = words
        self.capacity = max(1, capacity)
    }

    /// A place, and the time that it was taken, as it stands above the owner.
    private struct Stay {
        let place: Int
        let turn: UInt64

        init(_ place: Int, _ turn: UInt64) { (self.place, self.turn) = (place, turn) }

        init(number: Int) {
            let bits = UInt64(bitPattern: Int64(number))
            self.init(Int(bits & 0xFFFF_FFFF), (bits >> 32) << 33)
        }

        var number: Int { Int(turn >> 1) | place }
    }

    /// How many connections there are from the address and from its network, and from all.
    public struct Count: Equatable, Sendable {
        /// From the very address.
        public var address = 0
        /// From the network, the address included.
        public var network = 0
        /// From everywhere.
        public var all = 0
    }

    /// Takes a place for this process.
    /// - Returns: its number; nil when there is none, and then the connection is not counted.
    public func take(_ address: IPAddress) -> Int? {
        let key = AddressKey(address)
        let owner = UInt64(UInt32(bitPattern: getpid()))
        for place in 0..<capacity {
            guard let turn = claim(place, owner) else { continue }
            cunix_word_set(self[place] + 1, key.high)
            cunix_word_set(self[place] + 2, key.low)
            cunix_word_set(self[place], turn | owner)
            noteUse(of: place)
            return Stay(place, turn).number
        }
        return nil
    }

    /// Counts the connections from an address and its network. Who has taken a place counts too. Two
    /// that come at the same moment may see each other, never neither the other.
    public func count(_ address: IPAddress, _ prefixes: NetworkPrefixes) -> Count {
        let key = AddressKey(address)
        let network = key.masked(prefixes)
        var count = Count()
        for place in 0..<used {
            let owner = cunix_word_get(self[place]) & Self.holder
            guard owner != 0, owner & Self.isBeingTaken == 0 else { continue }
            count.all += 1
            let other = self.key(of: place)
            guard other.masked(prefixes) == network else { continue }
            count.network += 1
            if other == key { count.address += 1 }
        }
        return count
    }

    /// Gives a place that the first process has to the other one, by its number.
    /// - Returns: false when it was not the first one's any more.
    public func pass(_ number: Int, from one: pid_t, to other: pid_t) -> Bool {
        let stay = Stay(number: number)
        guard (0..<capacity).contains(stay.place) else { return false }
        return cunix_word_exchange(
            self[stay.place], stay.turn | UInt64(UInt32(bitPattern: one)),
            stay.turn | UInt64(UInt32(bitPattern: other)))
    }

    /// Gives back a place of this process, by its number.
    public func leave(_ number: Int) { _ = pass(number, from: getpid(), to: 0) }

    /// Gives back all places of a process that has ended.
    public func ended(_ process: pid_t) {
        let owner = UInt64(UInt32(bitPattern: process))
        for place in 0..<used {
            let word = cunix_word_get(self[place])
            guard word & Self.holder & ~Self.isBeingTaken == owner else { continue }
            _ = cunix_word_exchange(self[place], word, word & ~Self.holder)
        }
    }

    /// Gives back the places of all processes that have ended: whose parent could not say so, having
    /// died with them.
    public func sweep() {
        var known: Set<UInt64> = []
        for place in 0..<used {
            let owner = cunix_word_get(self[place]) & Self.holder & ~Self.isBeingTaken
            guard owner != 0, known.insert(owner).inserted else { continue }
            let process = pid_t(truncatingIfNeeded: owner)
            if kill(process, 0) != 0, errno == ESRCH { ended(process) }
        }
    }

    private subscript(place: Int) -> UnsafeMutablePointer<UInt64> { words + 1 + 3 * place }

    private var used: Int { min(capacity, Int(clamping: cunix_word_get(words))) }

    private func key(of place: Int) -> AddressKey {
        AddressKey(
            high: cunix_word_get(self[place] + 1), low: cunix_word_get(self[place] + 2))
    }

    /// The time that it is taken; nil when somebody has it.
    private func claim(_ place: Int, _ owner: UInt64) -> UInt64? {
        let before = cunix_word_get(self[place])
        guard before & Self.holder == 0 else { return nil }
        let turn = before &+ (Self.holder + 1)
        let isOurs = cunix_word_exchange(self[place], before, turn | owner | Self.isBeingTaken)
        return isOurs ? turn : nil
    }

    private func noteUse(of place: Int) {
        while true {
            let before = cunix_word_get(words)
            guard before <= UInt64(place) else { return }
            if cunix_word_exchange(words, before, UInt64(place) + 1) { return }
        }
    }
}
