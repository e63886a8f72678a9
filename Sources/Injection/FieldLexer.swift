// FieldLexer: the words of a structured header field, and where each of them is.
// RFC 5322, section 3.2; RFC 6532, section 3.2.
// SPDX-License-Identifier: MIT

import MailModel

/// Why the body of a field is no list of addresses.
public enum AddressError: Error, Hashable, CustomStringConvertible {
    /// A comment, a quoted-string or a domain-literal has no end.
    case unterminated(UInt8)
    /// A control character where none may be, or a lone backslash.
    case forbiddenByte(UInt8)
    /// Something stands where it cannot.
    case unexpected(String)
    /// An address is too long for an envelope.
    case tooLong

    /// For whoever wrote the field.
    public var description: String {
        switch self {
        case .unterminated(let byte): "\([byte].printable) has no end"
        case .forbiddenByte(let byte): "the byte \(byte) cannot be in an address"
        case .unexpected(let what): "\(what) is not expected there"
        case .tooLong: "an address is longer than \(Mailbox.maximumLength) bytes"
        }
    }
}

/// One word.
struct FieldWord: Hashable {
    enum Kind: Hashable {
        /// A run of characters that are not special; it holds no dot.
        case atom
        /// `"..."`; the bytes are without quotes and backslashes.
        case quoted
        /// `[...]`, brackets included.
        case literal
        /// One of `.,:;<>@`.
        case mark(UInt8)
    }

    var kind: Kind
    var bytes: [UInt8]
    /// Where it is in the body.
    var range: Range<Int>

    /// True for what a local-part or a phrase is made of.
    var isWord: Bool { kind == .atom || kind == .quoted }
}

/// Cuts the body of a field into words; comments and blanks are passed over.
struct FieldLexer {
    private static let marks = Set(".,:;<>@".utf8)

    private let body: [UInt8]
    private var index = 0

    /// All words of a body.
    /// - Throws: `AddressError`.
    static func words(of body: [UInt8]) throws(AddressError) -> [FieldWord] {
        var lexer = FieldLexer(body)
        var words: [FieldWord] = []
        while let word = try lexer.next() { words.append(word) }
        return words
    }

    private init(_ body: [UInt8]) { self.body = body }

    private mutating func next() throws(AddressError) -> FieldWord? {
        while index < body.count {
            let byte = body[index]
            switch byte {
            case 0x20, 0x09, 0x0A, 0x0D: index += 1
            case 0x28: try skipComment()
            case 0x22: return try delimited(.quoted, end: 0x22)
            case 0x5B: return try delimited(.literal, end: 0x5D)
            case let byte where FieldLexer.marks.contains(byte):
                index += 1
                return FieldWord(kind: .mark(byte), bytes: [byte], range: (index - 1)..<index)
            case 0x29, 0x5D: throw .unexpected([byte].printable)
            default: return try atom()
            }
        }
        return nil
    }

    /// Comments nest; a count of them is all that is kept.
    private mutating func skipComment() throws(AddressError) {
        var depth = 0
        repeat {
            guard index < body.count else { throw .unterminated(0x28) }
            switch body[index] {
            case 0x28: depth += 1
            case 0x29: depth -= 1
            case 0x5C: index += 1
            default: break
            }
            index += 1
        } while depth > 0
    }

    private mutating func delimited(
        _ kind: FieldWord.Kind, end: UInt8
    ) throws(AddressError) -> FieldWord {
        let start = index
        var bytes: [UInt8] = kind == .literal ? [body[start]] : []
        index += 1
        while index < body.count, body[index] != end {
            var byte = body[index]
            if byte == 0x5C, index + 1 < body.count {
                index += 1
                byte = body[index]
            }
            // The domain of an envelope's address begins behind its last @.
            if kind == .literal, byte == 0x5B || byte == 0x40 {
                throw .unexpected([byte].printable)
            }
            // A fold is a blank. RFC 5322, section 3.2.2.
            if byte != 0x0A, byte != 0x0D {
                guard !byte.isControl || byte == 0x09 else { throw .forbiddenByte(byte) }
                bytes.append(byte)
            }
            index += 1
        }
        guard index < body.count else { throw .unterminated(body[start]) }
        index += 1
        if kind == .literal { bytes.append(end) }
        return FieldWord(kind: kind, bytes: bytes, range: start..<index)
    }

    private mutating func atom() throws(AddressError) -> FieldWord {
        let start = index
        while index < body.count, FieldLexer.isAtom(body[index]) { index += 1 }
        guard index > start else { throw .forbiddenByte(body[start]) }
        return FieldWord(kind: .atom, bytes: Array(body[start..<index]), range: start..<index)
    }

    /// Everything but specials, blanks and control characters.
    private static func isAtom(_ byte: UInt8) -> Bool { byte.isAtomText }
}
