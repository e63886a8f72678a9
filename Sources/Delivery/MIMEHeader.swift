// MIMEHeader: what the header of a message or body part says of what follows it.
// RFC 2045, sections 5 and 6; RFC 2046, section 5; RFC 1847.
// SPDX-License-Identifier: MIT

import MailModel

/// What follows a header.
enum MIMEKind: Equatable {
    /// Something that is not looked into. False where the rules of its type, or an encoding that it
    /// has already, forbid to encode it.
    case leaf(isEncodable: Bool)
    /// Parts with this line between them.
    case multipart(boundary: [UInt8], isSigned: Bool, isDigest: Bool)
    /// Another message.
    case message
}

/// The fields of one header, as they are, and those of MIME among them understood.
struct MIMEHeader {
    /// Each field with its folds and line end.
    private var fields: [ArraySlice<UInt8>] = []
    let type: [UInt8]?
    let encoding: [UInt8]?
    private let boundary: [UInt8]?
    let hasVersion: Bool

    /// Reads a header without its empty line.
    init(_ bytes: [UInt8]) {
        var start = bytes.startIndex
        for line in bytes.split(separator: 0x0A, omittingEmptySubsequences: false) {
            let end = min(line.endIndex + 1, bytes.endIndex)
            if line.first?.isBlank == true, let last = fields.popLast() {
                fields.append(bytes[last.startIndex..<end])
            } else if !line.isEmpty {
                fields.append(bytes[start..<end])
            }
            start = end
        }
        let value = { [fields] (name: String) in
            fields.first { MIMEHeader.name(of: $0).elementsEqual(name.utf8) }
                .map { MIMEHeader.words(in: $0.drop { $0 != 0x3A }.dropFirst()) }
        }
        let contentType = value("content-type")
        type = contentType?.first?.asciiLowercased
        boundary = contentType?.dropFirst().lazy.compactMap(MIMEHeader.boundary).first
        encoding = value("content-transfer-encoding")?.first?.asciiLowercased
        hasVersion = value("mime-version") != nil
    }

    func kind(isInDigest: Bool) -> MIMEKind {
        let type = type ?? Array((isInDigest ? "message/rfc822" : "text/plain").utf8)
        let isPlain = isEncoded(as: ["7bit", "8bit", "binary", ""])
        if type.starts(with: "multipart/".utf8) {
            guard let boundary, isPlain else { return .leaf(isEncodable: false) }
            let isOne = { (names: [String]) in names.contains { type.elementsEqual($0.utf8) } }
            return .multipart(
                boundary: boundary, isSigned: isOne(["multipart/signed", "multipart/encrypted"]),
                isDigest: isOne(["multipart/digest"]))
        }
        if type.elementsEqual("message/rfc822".utf8), isPlain { return .message }
        // RFC 2046, sections 5.2.2.1 and 5.2.3.
        let isFixed = ["message/rfc822", "message/partial", "message/external-body"]
            .contains { type.elementsEqual($0.utf8) }
        return .leaf(isEncodable: isPlain && !isFixed)
    }

    /// True when the encoding says that bytes beyond ASCII may follow.
    var mayHoldEightBit: Bool { isEncoded(as: ["8bit", "binary"]) }

    private func isEncoded(as names: [String]) -> Bool {
        names.contains { (encoding ?? []).elementsEqual($0.utf8) }
    }

    /// The header with another encoding. What a body part without a type, or a message without a
    /// version, lacks for that is added. RFC 1428: nobody knows the charset.
    func encoded(as label: String, isMessage: Bool) -> [UInt8] {
        var output: [UInt8] = []
        for field in fields
        where !MIMEHeader.name(of: field).elementsEqual("content-transfer-encoding".utf8) {
            output += field
            if field.last != 0x0A { output.append(0x0A) }
        }
        if isMessage, !hasVersion { output += "MIME-Version: 1.0\n".utf8 }
        if type == nil, label != "7bit" {
            output += "Content-Type: text/plain; charset=unknown-8bit\n".utf8
        }
        output += "Content-Transfer-Encoding: \(label)\n".utf8
        return output
    }

    private static func name(of field: ArraySlice<UInt8>) -> [UInt8] {
        field.prefix { $0 != 0x3A }.trimmed.asciiLowercased
    }

    /// The value at its semicolons, without comments, folds and blanks around; quoted strings are
    /// opened. RFC 2045, section 5.1.
    private static func words(in value: ArraySlice<UInt8>) -> [[UInt8]] {
        var words: [[UInt8]] = [[]]
        var depth = 0
        var isQuoted = false
        var isEscaped = false
        for byte in value {
            if isEscaped {
                isEscaped = false
                if depth == 0 { words[words.count - 1].append(byte) }
            } else if byte == 0x5C, isQuoted || depth > 0 {
                isEscaped = true
            } else if isQuoted {
                if byte == 0x22 { isQuoted = false } else { words[words.count - 1].append(byte) }
            } else if byte == 0x28 || byte == 0x29 {
                depth = max(0, depth + (byte == 0x28 ? 1 : -1))
            } else if depth > 0 {
                continue
            } else if byte == 0x22 {
                isQuoted = true
            } else if byte == 0x3B {
                words.append([])
            } else if byte > 0x20 {
                words[words.count - 1].append(byte)
            }
        }
        return words
    }

    private static func boundary(_ word: [UInt8]) -> [UInt8]? {
        guard let equals = word.firstIndex(of: 0x3D),
            word[..<equals].equalsIgnoringASCIICase("boundary".utf8)
        else { return nil }
        let value = Array(word[(equals + 1)...])
        // RFC 2046, section 5.1.1, allows 70.
        return value.isEmpty || value.count > 200 || value.contains(0x0A) ? nil : value
    }
}
