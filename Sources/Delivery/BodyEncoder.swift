// BodyEncoder: the text of a body part as quoted-printable or base64, in pieces of any size.
// RFC 2045, sections 6.7 and 6.8.
// SPDX-License-Identifier: MIT

import MailModel

/// How a body part goes to a host that does not take it as it is.
enum BodyForm: Hashable {
    case asIs
    case quotedPrintable
    case base64
    /// Each byte beyond ASCII as a question mark: for what stands between the parts, which nobody is
    /// to read (RFC 2046, section 5.1.1).
    case masked

    /// The value of Content-Transfer-Encoding.
    var label: String? {
        switch self {
        case .quotedPrintable: "quoted-printable"
        case .base64: "base64"
        case .asIs, .masked: nil
        }
    }
}

/// Encodes one part. Line ends are LF on both sides.
struct BodyEncoder {
    /// The most characters of an encoded line. RFC 2045, sections 6.7 and 6.8.
    private static let lineLimit = 76

    let form: BodyForm
    private var column = 0
    /// A blank of which it is not yet known whether it ends its line.
    private var blank: UInt8?
    /// What is not yet a whole line of base64.
    private var rest: [UInt8] = []
    /// True when the last line end is still to be written: the one before a boundary is a part of
    /// the boundary.
    private var hasPendingLF = false

    init(_ form: BodyForm) { self.form = form }

    mutating func take(_ bytes: some Collection<UInt8>, into output: inout [UInt8]) {
        switch form {
        case .asIs: output += bytes
        case .masked: output += bytes.map { $0 < 0x80 ? $0 : 0x3F }
        case .quotedPrintable: for byte in bytes { quote(byte, &output) }
        case .base64: gather(bytes, &output)
        }
    }

    /// At the end of the part. The line end before a boundary is not of the part.
    mutating func finish(beforeBoundary: Bool, into output: inout [UInt8]) {
        switch form {
        case .asIs, .masked: break
        case .quotedPrintable:
            if let blank { escape(blank, &output) }
            blank = nil
        case .base64:
            if hasPendingLF, !beforeBoundary { rest += [0x0D, 0x0A] }
            hasPendingLF = false
            writeLines(isEnd: true, &output)
        }
    }

    private mutating func quote(_ byte: UInt8, _ output: inout [UInt8]) {
        if byte == 0x0A {
            // A blank at the end of a line would be taken away on the way.
            if let blank { escape(blank, &output) }
            blank = nil
            output.append(0x0A)
            column = 0
            return
        }
        if let blank { write(blank, &output) }
        blank = nil
        if byte.isBlank {
            blank = byte
        } else if byte > 0x20, byte < 0x7F, byte != 0x3D {
            write(byte, &output)
        } else {
            escape(byte, &output)
        }
    }

    private mutating func escape(_ byte: UInt8, _ output: inout [UInt8]) {
        makeRoom(3, &output)
        output.append(0x3D)
        output.append(BodyEncoder.digit(byte >> 4))
        output.append(BodyEncoder.digit(byte & 15))
    }

    private mutating func write(_ byte: UInt8, _ output: inout [UInt8]) {
        makeRoom(1, &output)
        output.append(byte)
    }

    private static func digit(_ value: UInt8) -> UInt8 { value + (value < 10 ? 0x30 : 0x37) }

    /// Begins another line where the next characters, which must not be divided, have no room; one
    /// column stays free for the soft line break.
    private mutating func makeRoom(_ count: Int, _ output: inout [UInt8]) {
        if column + count >= Self.lineLimit {
            output.append(0x3D)
            output.append(0x0A)
            column = 0
        }
        column += count
    }

    /// RFC 2045, section 6.8: the line ends that are encoded are CRLF.
    private mutating func gather(_ bytes: some Collection<UInt8>, _ output: inout [UInt8]) {
        for byte in bytes {
            if hasPendingLF { rest += [0x0D, 0x0A] }
            hasPendingLF = byte == 0x0A
            if !hasPendingLF { rest.append(byte) }
        }
        writeLines(isEnd: false, &output)
    }

    private mutating func writeLines(isEnd: Bool, _ output: inout [UInt8]) {
        let length = Self.lineLimit / 4 * 3
        var start = 0
        while rest.count - start >= length || (isEnd && start < rest.count) {
            let line = rest[start..<min(rest.count, start + length)]
            output += Base64.encode(Array(line)) + [0x0A]
            start += line.count
        }
        rest.removeFirst(start)
    }
}
