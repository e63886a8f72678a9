// PostfixParts: what Postfix knows of MIME: content types and boundaries.
// header_checks(5); RFC 2045 section 5.1, RFC 2046 section 5.1.
// SPDX-License-Identifier: MIT

import Glibc
import MailModel

/// The type of the part that is read, and the boundaries around it.
struct PostfixParts {
    enum PartType {
        case text
        case message
        case multipart
        case other
    }

    /// Postfix's mime_nesting_limit and mime_boundary_length_limit.
    private static let deepest = 100
    private static let longestBoundary = 2_048

    private struct Boundary {
        let text: [UInt8]
        let partType: PartType
    }

    private(set) var type = PartType.text
    private var isWholeMessage = false
    private var boundaries: [Boundary] = []

    /// True when the body that follows the header begins with a header of its own.
    var beginsMessage: Bool { type == .message && isWholeMessage }

    mutating func beginPart(type: PartType) {
        self.type = type
        isWholeMessage = type == .message
    }

    /// Takes note of a field.
    mutating func take(_ field: UnsafeRawBufferPointer) {
        let name = "content-type:"
        guard field.count > name.utf8.count,
            field.prefix(name.utf8.count).equalsIgnoringASCIICase(name.utf8)
        else { return }
        var tokens = ContentTypeTokens(UnsafeRawBufferPointer(rebasing: field[name.utf8.count...]))
        let first = tokens.segment() ?? []
        let subtype = first.count >= 3 && first[1] == .special(0x2F) ? first[2].word : nil
        switch first.first?.word {
        case "text": type = .text
        case "message":
            type = .message
            isWholeMessage = subtype == "rfc822" || subtype == "global"
        case "multipart":
            type = .multipart
            while let segment = tokens.segment() {
                guard segment.count >= 3, segment[0].word == "boundary",
                    segment[1] == .special(0x3D), boundaries.count <= PostfixParts.deepest
                else { continue }
                boundaries.append(
                    Boundary(
                        text: Array(segment[2].bytes.prefix(PostfixParts.longestBoundary)),
                        partType: subtype == "digest" ? .message : .text))
            }
        default: type = .other
        }
    }

    /// True for a line that is a boundary of a part around this one.
    func isBoundary(_ line: UnsafeRawBufferPointer) -> Bool {
        var copy = self
        return copy.boundary(line) != nil
    }

    /// Takes note of a line of a body.
    /// - Returns: nil for no boundary; true for one that ends a multipart.
    mutating func boundary(_ line: UnsafeRawBufferPointer) -> Bool? {
        guard !boundaries.isEmpty, line.count > 2, line[0] == 0x2D, line[1] == 0x2D else {
            return nil
        }
        let text = UnsafeRawBufferPointer(rebasing: line[2...])
        guard let index = boundaries.lastIndex(where: { text.starts(with: $0.text) }) else {
            return nil
        }
        let found = boundaries[index]
        boundaries.removeLast(boundaries.count - index - 1)
        guard text.dropFirst(found.text.count).starts(with: [0x2D, 0x2D]) else {
            beginPart(type: found.partType)
            return false
        }
        boundaries.removeLast()
        beginPart(type: .other)
        return true
    }
}

/// The tokens of a Content-Type field, up to each semicolon.
private struct ContentTypeTokens {
    enum Token: Hashable {
        case word([UInt8])
        case quoted([UInt8])
        case special(UInt8)

        var bytes: [UInt8] {
            switch self {
            case .word(let bytes), .quoted(let bytes): bytes
            case .special(let byte): [byte]
            }
        }

        /// A word that is not quoted, in small letters.
        var word: String? {
            if case .word(let bytes) = self {
                String(decoding: bytes.asciiLowercased, as: UTF8.self)
            } else {
                nil
            }
        }
    }

    private static let specials = Array("()<>@,;:\\\"/[]?=".utf8)

    private var rest: Slice<UnsafeRawBufferPointer>

    init(_ text: UnsafeRawBufferPointer) { rest = text[...] }

    /// The next tokens up to a semicolon; nil when there are none any more.
    mutating func segment() -> [Token]? {
        var tokens: [Token] = []
        while let byte = rest.popFirst() {
            switch byte {
            case 0x3B: return tokens
            case 0x20, 0x09, 0x0D, 0x0A: break
            case 0x28: skipComment()
            case 0x22: tokens.append(.quoted(quoted()))
            case _ where byte.isControl || Self.specials.contains(byte):
                tokens.append(.special(byte))
            default:
                var word = [byte]
                while let next = rest.first, next != 0x20, !next.isControl,
                    !Self.specials.contains(next)
                {
                    word.append(next)
                    rest.removeFirst()
                }
                tokens.append(.word(word))
            }
        }
        return tokens.isEmpty ? nil : tokens
    }

    private mutating func skipComment() {
        var level = 1
        while level > 0, let byte = rest.popFirst() {
            switch byte {
            case 0x28: level += 1
            case 0x29: level -= 1
            case 0x5C: _ = rest.popFirst()
            default: break
            }
        }
    }

    private mutating func quoted() -> [UInt8] {
        var text: [UInt8] = []
        while let byte = rest.popFirst(), byte != 0x22 {
            switch byte {
            case 0x0A: while text.last?.isBlank == true { text.removeLast() }
            case 0x5C: if let next = rest.popFirst() { text.append(next) }
            default: text.append(byte)
            }
        }
        return text
    }
}

extension UnsafeRawBufferPointer {
    /// Where the line after the one that holds this offset begins.
    func endOfLine(from start: Int) -> Int {
        guard let base = baseAddress, let found = memchr(base + start, 0x0A, count - start) else {
            return count
        }
        return UnsafeRawPointer(found) - base + 1
    }
}
