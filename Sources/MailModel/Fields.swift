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
    public mutating func append(_ name: String, _ value: some Collection<UInt8>) {
        all.append(Field(name: name, value: Array(value)))
    }

    /// Adds a field of text at the end.
    public mutating func append(_ name: String, _ text: String) { append(name, text.utf8) }

    /// Adds a field that holds a number at the end.
    public mutating func append(_ name: String, _ number: Int) { append(name, "\(number)".utf8) }

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
        var content: [UInt8] = []
        for field in all {
            Fields.appendNetstring(Array(field.name.utf8), to: &content)
            Fields.appendNetstring(field.value, to: &content)
        }
        var frame: [UInt8] = []
        frame.reserveCapacity(content.count + 12)
        Fields.appendNetstring(content, to: &frame)
        return frame
    }

    /// Reads a frame that must be the whole of `bytes`.
    /// - Throws: `FieldsError`.
    public init(frame bytes: [UInt8]) throws(FieldsError) {
        var rest = bytes[...]
        var content = try Fields.netstring(from: &rest)
        guard rest.isEmpty else { throw .malformed }
        while !content.isEmpty {
            do {
                let name = try Fields.netstring(from: &content)
                let value = try Fields.netstring(from: &content)
                append(String(decoding: name, as: UTF8.self), value)
            } catch {
                throw .malformed
            }
        }
    }

    /// How many bytes the frame that begins with `bytes` has in all; nil while that is not yet
    /// known.
    /// - Throws: `.malformed` or `.tooLong`, as soon as it is certain.
    public static func frameLength(
        startingWith bytes: some Collection<UInt8>, limit: Int = maximumLength
    ) throws(FieldsError) -> Int? {
        let digits = bytes.prefix { $0.isASCIIDigit }
        guard digits.count <= 9 else { throw .tooLong }
        guard digits.count < bytes.count else { return nil }
        let colon = bytes[bytes.index(bytes.startIndex, offsetBy: digits.count)]
        guard colon == 0x3A, let length = digits.decimalValue else { throw .malformed }
        guard length <= limit else { throw .tooLong }
        return digits.count + 1 + length + 1
    }

    /// Adds `LENGTH:BYTES,`.
    private static func appendNetstring(_ value: [UInt8], to bytes: inout [UInt8]) {
        bytes += "\(value.count):".utf8
        bytes += value
        bytes.append(0x2C)
    }

    private static func netstring(
        from rest: inout ArraySlice<UInt8>
    ) throws(FieldsError) -> ArraySlice<UInt8> {
        guard let total = try frameLength(startingWith: rest) else { throw .cutShort }
        guard rest.count >= total else { throw .cutShort }
        let end = rest.startIndex + total - 1
        guard rest[end] == 0x2C, let colon = rest.firstIndex(of: 0x3A) else { throw .malformed }
        defer { rest = rest[(end + 1)...] }
        return rest[(colon + 1)..<end]
    }
}
