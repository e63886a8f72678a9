// SessionID, QueueID: the names of sessions and messages in logs, trace fields and the queue.
// queue(5).
// SPDX-License-Identifier: MIT

private let digits = Array("0123456789abcdefghjkmnpqrstvwxyz".utf8)

extension UInt8 {
    /// True for what `digits` holds.
    fileprivate var isIDDigit: Bool {
        switch self {
        case 0x69, 0x6C, 0x6F, 0x75: false  // i l o u
        case 0x30...0x39, 0x61...0x7A: true
        default: false
        }
    }
}

private func base32(_ value: UInt64, count: Int) -> [UInt8] {
    (0..<count).reversed().map { digits[Int((value >> (UInt64($0) * 5)) & 31)] }
}

/// The id of a session: 11 digits of time, 10 of chance. Sorts by time; two sessions share an id
/// only if they began in the same microsecond and drew the same 50 random bits.
public struct SessionID: Hashable, Sendable, CustomStringConvertible {
    /// 21 characters of `0`-`9` and `a`-`z` without `i`, `l`, `o`, `u`.
    public let description: String

    /// The id of a session that began so many microseconds after 1970-01-01 UTC (55 bits are
    /// kept), with at least 50 random bits.
    public init(microseconds: UInt64, random: UInt64) {
        description = String(
            decoding: base32(microseconds, count: 11) + base32(random, count: 10), as: UTF8.self)
    }

    /// Reads an id as it is printed; nil for anything else.
    public init?(_ bytes: some Collection<UInt8>) {
        let bytes = Array(bytes)
        guard bytes.count == SessionID.length, bytes.allSatisfy(\.isIDDigit) else { return nil }
        description = String(decoding: bytes, as: UTF8.self)
    }

    static let length = 21

    /// The id of this session's message of this number.
    public func message(_ number: UInt32) -> QueueID { QueueID(session: self, number: number) }
}

/// The id of a message: its session's id, a hyphen and a number. It is a file name of the queue,
/// so it is never taken from outside unchecked.
public struct QueueID: Hashable, Sendable, CustomStringConvertible, Comparable {
    /// 23 to 32 characters.
    public let description: String

    init(session: SessionID, number: UInt32) { description = "\(session)-\(number)" }

    /// Reads an id as it is printed; nil for anything else.
    public init?(_ bytes: [UInt8]) {
        let session = SessionID.length
        guard bytes.count > session + 1, bytes[session] == 0x2D,
            bytes[..<session].allSatisfy(\.isIDDigit)
        else { return nil }
        let number = bytes[(session + 1)...]
        guard let value = number.decimalValue, UInt32(exactly: value) != nil,
            number.count == 1 || number.first != 0x30
        else { return nil }
        description = String(decoding: bytes, as: UTF8.self)
    }

    /// The same for bytes that are no array.
    @inlinable
    public init?(_ bytes: some Collection<UInt8>) { self.init(Array(bytes)) }

    /// The folder of the queue that the message's files are in: the last character of the
    /// session's id, which is one of 32 and random.
    public var folder: String { String(decoding: [Array(description.utf8)[20]], as: UTF8.self) }

    /// When the session began, in microseconds since 1970-01-01 UTC.
    public var microseconds: UInt64 {
        description.utf8.prefix(11).reduce(0) { value, byte in
            value << 5 | UInt64(digits.firstIndex(of: byte) ?? 0)
        }
    }

    /// Earlier is less; within a session the text decides.
    public static func < (one: QueueID, other: QueueID) -> Bool {
        one.description < other.description
    }
}
