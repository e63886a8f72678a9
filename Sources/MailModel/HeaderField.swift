// HeaderField: one field of a header that we put there.
// RFC 5322, section 2.2.
// SPDX-License-Identifier: MIT

/// A field name and a body that together are always a legal field.
public struct HeaderField: Hashable, Sendable {
    /// The field with its colon, its folds (LF and a blank) and its final LF.
    public let bytes: [UInt8]
    private let nameLength: Int

    /// A field of this name and body. Nil when the name is empty or holds anything but printable
    /// ASCII without colon, or when the body holds NUL or CR, or an LF that no blank follows.
    public init?(_ name: some Collection<UInt8>, _ body: some Collection<UInt8>) {
        guard HeaderField.isName(name) else { return nil }
        var line = Array(name)
        nameLength = line.count
        line += [0x3A, 0x20]
        line += body
        line.append(0x0A)
        guard HeaderField.isFolded(line) else { return nil }
        bytes = line
    }

    /// A field of this name and body, with the same rules.
    public init?(_ name: String, _ body: String) { self.init(Array(name.utf8), Array(body.utf8)) }

    /// Reads a whole field, with or without its final LF; nil when it is not a legal field.
    public init?(line: some Collection<UInt8>) {
        var bytes = Array(line)
        if bytes.last != 0x0A { bytes.append(0x0A) }
        guard let colon = bytes.firstIndex(of: 0x3A), HeaderField.isName(bytes[..<colon]),
            HeaderField.isFolded(bytes)
        else { return nil }
        self.bytes = bytes
        nameLength = colon
    }

    /// The name, as written.
    public var name: ArraySlice<UInt8> { bytes[..<nameLength] }

    /// The body after the colon and the blanks that follow it, without the final LF.
    public var body: ArraySlice<UInt8> {
        bytes[(nameLength + 1)..<(bytes.count - 1)].drop(while: \.isBlank)
    }

    /// True for one or more printable ASCII characters without colon and space (ftext).
    @inlinable
    public static func isName(_ name: some Collection<UInt8>) -> Bool {
        !name.isEmpty && name.allSatisfy { $0 > 0x20 && $0 < 0x7F && $0 != 0x3A }
    }

    private static func isFolded(_ line: [UInt8]) -> Bool {
        var wantsBlank = false
        for byte in line[..<(line.count - 1)] {
            if byte == 0 || byte == 0x0D || (wantsBlank && !byte.isBlank) { return false }
            wantsBlank = byte == 0x0A
        }
        return !wantsBlank
    }
}
