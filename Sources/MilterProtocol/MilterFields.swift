// MilterFields: numbers and strings within the data of a packet.
// mfdef.h of libmilter.
// SPDX-License-Identifier: MIT

/// Takes the parts of a packet's data off its front.
struct MilterFields {
    private var rest: ArraySlice<UInt8>
    /// The letter of the packet, for errors.
    private let code: UInt8

    init(_ data: some Collection<UInt8>, code: UInt8) {
        rest = Array(data)[...]
        self.code = code
    }

    init(_ data: ArraySlice<UInt8>, code: UInt8) {
        rest = data
        self.code = code
    }

    var isEmpty: Bool { rest.isEmpty }

    /// Four bytes, the highest first.
    mutating func number() throws(MilterError) -> UInt32 {
        guard rest.count >= 4 else { throw .malformed(code) }
        defer { rest = rest.dropFirst(4) }
        return rest.prefix(4).reduce(0) { $0 << 8 | UInt32($1) }
    }

    /// Two bytes, the higher first.
    mutating func shortNumber() throws(MilterError) -> UInt16 {
        guard rest.count >= 2 else { throw .malformed(code) }
        defer { rest = rest.dropFirst(2) }
        return rest.prefix(2).reduce(0) { $0 << 8 | UInt16($1) }
    }

    mutating func byte() throws(MilterError) -> UInt8 {
        guard let byte = rest.popFirst() else { throw .malformed(code) }
        return byte
    }

    /// What comes before a NUL, which must be there.
    mutating func string() throws(MilterError) -> [UInt8] {
        guard let end = rest.firstIndex(of: 0) else { throw .malformed(code) }
        defer { rest = rest[(end + 1)...] }
        return Array(rest[..<end])
    }

    /// All strings that are left.
    mutating func strings() throws(MilterError) -> [[UInt8]] {
        var strings: [[UInt8]] = []
        while !rest.isEmpty { strings.append(try string()) }
        return strings
    }

    /// All bytes that are left.
    mutating func bytes() -> [UInt8] {
        defer { rest = [] }
        return Array(rest)
    }

    /// One string that is all that is left; its NUL may be missing.
    mutating func lastString() throws(MilterError) -> [UInt8] {
        var bytes = bytes()
        if bytes.last == 0 { bytes.removeLast() }
        guard !bytes.contains(0) else { throw .malformed(code) }
        return bytes
    }

    /// - Throws: `MilterError.malformed` when something is left.
    func end() throws(MilterError) {
        guard rest.isEmpty else { throw .malformed(code) }
    }
}

extension [UInt8] {
    /// Four bytes, the highest first.
    mutating func append(number: UInt32) {
        for shift: UInt32 in [24, 16, 8, 0] { append(UInt8(truncatingIfNeeded: number >> shift)) }
    }

    /// Two bytes, the higher first.
    mutating func append(shortNumber: UInt16) {
        append(UInt8(shortNumber >> 8))
        append(UInt8(truncatingIfNeeded: shortNumber))
    }

    /// The bytes up to a NUL, which would end the string early, and a NUL.
    mutating func append(string: some Collection<UInt8>) {
        append(contentsOf: string.prefix { $0 != 0 })
        append(0)
    }
}
