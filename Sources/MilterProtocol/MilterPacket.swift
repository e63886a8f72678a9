// MilterPacket, MilterPackets: a length, a letter and data, the frame of every command and reply.
// mfdef.h of libmilter.
// SPDX-License-Identifier: MIT

/// Why bytes are not what the milter protocol allows.
public enum MilterError: Error, Hashable, Sendable, CustomStringConvertible {
    /// A packet without its letter.
    case empty
    /// A packet of so many bytes, which is over the limit.
    case tooLong(Int)
    /// A letter that means nothing.
    case unknown(UInt8)
    /// Data that do not have the form that their letter asks for.
    case malformed(UInt8)
    /// The ends have no version in common.
    case version(UInt32)
    /// The milter wants what was not offered.
    case notOffered

    /// The error for a log.
    public var description: String {
        switch self {
        case .empty: "a packet without a letter"
        case .tooLong(let length): "a packet of \(length) bytes is too long"
        case .unknown(let code): "no packet has the letter \([code].printable)"
        case .malformed(let code): "packet \([code].printable) does not have its form"
        case .version(let version): "it speaks version \(version) of the protocol"
        case .notOffered: "it wants what was not offered"
        }
    }
}

/// One packet.
public struct MilterPacket: Hashable, Sendable {
    /// The letter that says what it is.
    public let code: UInt8
    /// What follows the letter.
    public let data: [UInt8]

    /// A packet of these parts.
    public init(_ code: UInt8, _ data: [UInt8] = []) {
        self.code = code
        self.data = data
    }

    /// The packet on the wire: four bytes of length, the highest first, letter and data.
    public var bytes: [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(data.count + 5)
        append(to: &bytes)
        return bytes
    }

    /// Puts the packet on the wire.
    public func append(to output: inout [UInt8]) {
        output.append(number: UInt32(clamping: data.count + 1))
        output.append(code)
        output += data
    }
}

/// Takes bytes as they come and gives the packets that are whole.
public struct MilterPackets: Sendable {
    /// The most bytes that the data of a packet may have, by default 1 MiB and a little more than
    /// any milter sends at once.
    public let limit: Int
    private var bytes: [UInt8] = []
    private var start = 0

    /// No byte yet.
    public init(limit: Int = (1 << 20) + 1024) { self.limit = limit }

    /// True when no byte waits.
    public var isEmpty: Bool { start == bytes.count }

    /// Takes bytes.
    public mutating func append(_ more: some Collection<UInt8>) {
        if start == bytes.count {
            bytes = Array(more)
            start = 0
            return
        }
        // What was given out goes when it is most of the buffer, so that no byte moves often.
        if start > bytes.count / 2 {
            bytes.removeFirst(start)
            start = 0
        }
        bytes += more
    }

    /// The next packet; nil when it is not whole yet.
    /// - Throws: `MilterError`; nothing that follows can be understood then.
    public mutating func next() throws(MilterError) -> MilterPacket? {
        var fields = MilterFields(bytes[start...], code: 0)
        guard bytes.count - start >= 4 else { return nil }
        let length = Int(try fields.number())
        guard length > 0 else { throw .empty }
        guard length - 1 <= limit else { throw .tooLong(length) }
        guard bytes.count - start - 4 >= length else { return nil }
        let packet = bytes[(start + 4)..<(start + 4 + length)]
        start += 4 + length
        return MilterPacket(packet.first ?? 0, Array(packet.dropFirst()))
    }
}
