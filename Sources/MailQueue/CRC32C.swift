// CRC32C: the checksum of queue files.
// RFC 3720, appendix B.4: the Castagnoli polynomial, reflected.
// SPDX-License-Identifier: MIT

/// CRC-32C. It finds every error of up to 32 bits in a row and misses others once in 4 billion;
/// it is no protection against who wants to deceive.
public struct CRC32C: Sendable {
    private static let table: [UInt32] = (0..<256).map { byte in
        (0..<8).reduce(UInt32(byte)) { crc, _ in
            crc & 1 == 0 ? crc >> 1 : crc >> 1 ^ 0x82F6_3B78
        }
    }

    private var state: UInt32 = .max

    /// The checksum of nothing.
    public init() {}

    /// The checksum of these bytes.
    public init(_ bytes: some Sequence<UInt8>) { update(bytes) }

    /// Adds bytes.
    public mutating func update(_ bytes: some Sequence<UInt8>) {
        let table = CRC32C.table
        for byte in bytes {
            state = table[Int(UInt8(truncatingIfNeeded: state) ^ byte)] ^ state >> 8
        }
    }

    /// The checksum of all bytes so far.
    public var value: UInt32 { ~state }
}
