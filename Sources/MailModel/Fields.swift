// Fields: named values as a frame of netstrings, the one wire format between our processes.
// filter-protocol(7); netstrings: https://cr.yp.to/proto/netstrings.txt
// SPDX-License-Identifier: MIT

/// Why bytes are not a frame.
public enum FieldsError: Error, Equatable {
    /// More bytes must come before the frame is whole.
    case cutShort
    /// Not a netstring, or a name without a value.
    case malformed
    /// The frame says it is longer than the receiver takes.
    case tooLong
    /// A field that must be there is not.
    case missing(String)
    /// A field's value is not of its form.
    case badValue(String)
}

/// An ordered list of names and values. A name may occur more than once.
///
/// A frame is one netstring; its content is a row of netstrings, name and value in turn. Lengths
/// come before content, so that no value can forge a field.
public struct Fields: Hashable, Sendable {
    /// The most bytes that the content of a frame may have: 16 MiB.
    public static let maximumLength = 16 << 20

    /// The fields in their order.
    public private(set) var all: [Field] = []

    /// One name and its value.
    public struct Field: Hashable, Sendable {
        /// The name, in ASCII.
        public let name: String
        /// The value, any bytes.
        public let value: [UInt8]
    }

    /// No field.
    public init() {}

    /// Adds a field at the end.
    public mutating func append(_ name: String, _ value: [UInt8]) {
        all.append(Field(name: name, value: value))
    }

    /// Adds a field at the end.
    @inlinable
    public mutating func append(_ name: String, _ value: some Collection<UInt8>) {
        append(name, Array(value))
    }

    /// Adds a field of text at the end.
    public mutating func append(_ name: String, _ text: String) {
        append(name, Array(text.utf8))
    }

    /// Adds a field that holds a number at the end.
    public mutating func append(_ name: String, _ number: Int) { append(name, "\(number)") }

    /// The value of the first field of this name.
    public subscript(name: String) -> [UInt8]? { all.first { $0.name == name }?.value }

    /// The first value of this name as text.
    public func text(_ name: String) -> String? {
        self[name].map { String(decoding: $0, as: UTF8.self) }
    }

    /// The first value of this name as a number that is not negative.
    /// - Throws: `FieldsError.missing` or `.badValue`.
    public func number(_ name: String) throws(FieldsError) -> Int {
        guard let value = self[name] else { throw .missing(name) }
        guard let number = value.decimalValue else { throw .badValue(name) }
        return number
    }

    /// The frame on the wire.
    public var frame: [UInt8] {
        var length = 0
        for field in all {
            length += Fields.length(ofString: field.name.utf8.count)
            length += Fields.length(ofString: field.value.count)
        }
        var frame: [UInt8] = []
        frame.reserveCapacity(Fields.length(ofString: length))
        Fields.append(length: length, to: &frame)
        for field in all {
            Fields.append(length: field.name.utf8.count, to: &frame)
            frame += field.name.utf8
            frame.append(0x2C)
            Fields.append(length: field.value.count, to: &frame)
            frame += field.value
            frame.append(0x2C)
        }
        frame.append(0x2C)
        return frame
    }

    /// Reads a frame that must be the whole of `bytes`.
    /// - Throws: `FieldsError`.
    public init(frame bytes: [UInt8]) throws(FieldsError) {
        var reader = NetstringReader(bytes, bytes.indices)
        let content = try reader.next()
        guard reader.isAtEnd else { throw .malformed }
        var inner = NetstringReader(bytes, content)
        all.reserveCapacity(24)
        while !inner.isAtEnd {
            do {
                let name = try inner.next()
                let value = try inner.next()
                all.append(
                    Field(
                        name: String(decoding: bytes[name], as: UTF8.self),
                        value: Array(bytes[value])))
            } catch {
                throw .malformed
            }
        }
    }

    /// How many bytes the frame that begins with `bytes` has in all; nil while that is not yet
    /// known.
    /// - Throws: `.malformed` or `.tooLong`, as soon as it is certain.
    public static func frameLength(
        startingWith bytes: [UInt8], limit: Int = maximumLength
    ) throws(FieldsError) -> Int? {
        try NetstringReader(bytes, bytes.indices).nextLength(limit: limit)
    }

    /// How long a netstring of so many bytes is.
    private static func length(ofString count: Int) -> Int {
        var digits = 1
        var rest = count / 10
        while rest > 0 {
            digits += 1
            rest /= 10
        }
        return digits + 1 + count + 1
    }

    /// Adds `LENGTH:`, with which a netstring begins.
    private static func append(length: Int, to bytes: inout [UInt8]) {
        var unit = 1
        while length / unit >= 10 { unit *= 10 }
        while unit > 0 {
            bytes.append(0x30 + UInt8(length / unit % 10))
            unit /= 10
        }
        bytes.append(0x3A)
    }
}

/// Goes through a row of netstrings without copying them.
private struct NetstringReader {
    private let bytes: [UInt8]
    private var position: Int
    private let end: Int

    /// A reader of these bytes of an array.
    init(_ bytes: [UInt8], _ range: Range<Int>) {
        self.bytes = bytes
        position = range.lowerBound
        end = range.upperBound
    }

    var isAtEnd: Bool { position == end }

    /// The bytes of the next netstring's content.
    mutating func next() throws(FieldsError) -> Range<Int> {
        guard let total = try nextLength(limit: Fields.maximumLength), end - position >= total
        else { throw .cutShort }
        let comma = position + total - 1
        guard bytes[comma] == 0x2C else { throw .malformed }
        var start = position
        while bytes[start] != 0x3A { start += 1 }
        position += total
        return (start + 1)..<comma
    }

    /// The length of the next netstring with all its parts; nil while its colon is not there.
    func nextLength(limit: Int) throws(FieldsError) -> Int? {
        var length = 0
        var digits = 0
        while position + digits < end {
            let byte = bytes[position + digits]
            guard byte.isASCIIDigit else {
                guard byte == 0x3A, digits > 0 else { throw .malformed }
                guard length <= limit else { throw .tooLong }
                return digits + 1 + length + 1
            }
            digits += 1
            guard digits <= 9 else { throw .tooLong }
            length = length * 10 + Int(byte - 0x30)
        }
        return nil
    }
}
