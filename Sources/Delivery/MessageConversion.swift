// MessageConversion: a message for a host that does not take it as it is.
// RFC 6152, section 3; RFC 5321, section 4.5.3.1.6; RFC 1847, section 2.1.
// SPDX-License-Identifier: MIT

import MailModel
import SMTPClient
import UnixIO

/// Why there is no other form of a message.
enum ConversionError: Error, Equatable {
    case unreadable(SystemError)
    /// It has bytes beyond ASCII where nothing may be changed: in something signed, or in what says
    /// that it is encoded already.
    case impossible

    var reply: Reply {
        switch self {
        case .unreadable: LocalTrouble.unreadable
        case .impossible:
            Reply(
                554, EnhancedStatus(5, 6, 3),
                "the host takes no 8-bit text, and the message cannot be encoded")
        }
    }
}

/// The parts of a message that must be encoded, and what that makes of it.
struct MessageConversion {
    /// True where no byte beyond ASCII may be left in a body; else only long lines are encoded.
    let isSevenBit: Bool
    private let forms: [BodyForm]
    /// The bytes of the result with CRLF line ends.
    private(set) var wireLength = 0

    /// True when something is encoded.
    var changesAnything: Bool { isSevenBit || forms.contains { $0 != .asIs } }

    /// Goes through the message twice.
    init(_ message: MessageReader, isSevenBit: Bool) throws(ConversionError) {
        self.isSevenBit = isSevenBit
        var walk = MIMEWalk()
        var none: [UInt8] = []
        try MessageConversion.forEachPiece(of: message) {
            none.removeAll(keepingCapacity: true)
            walk.take($0, into: &none)
        }
        walk.finish(into: &none)
        var forms: [BodyForm] = []
        if !walk.isTooMuch {
            for text in walk.texts {
                forms.append(try MessageConversion.form(of: text, isSevenBit: isSevenBit))
            }
        } else if isSevenBit {
            throw .impossible
        }
        self.forms = forms
        var result = source(message)
        var last: UInt8 = 0x0A
        do throws(SystemError) {
            while let piece = try result.next() {
                wireLength += piece.reduce(piece.count) { $0 + ($1 == 0x0A ? 1 : 0) }
                last = piece.last ?? last
            }
        } catch {
            throw .unreadable(error)
        }
        if last != 0x0A { wireLength += 2 }
    }

    /// The message in its new form; the reader stands at its beginning.
    func source(_ message: MessageReader) -> ConvertedMessage {
        ConvertedMessage(message, MIMEWalk(forms, isSevenBit: isSevenBit))
    }

    /// Long lines of what is sealed stay: most hosts take them, and a broken seal helps nobody.
    static func form(
        of text: MIMEText, isSevenBit: Bool
    ) throws(ConversionError) -> BodyForm {
        let mustBeASCII = isSevenBit && text.eightBitCount > 0
        if mustBeASCII, text.isSealed || !text.isEncodable { throw .impossible }
        if text.isSurroundings { return mustBeASCII ? .masked : .asIs }
        guard mustBeASCII || text.hasLongLine, text.isEncodable, !text.isSealed else {
            return .asIs
        }
        // Quoted-printable can be read by people, and is the shorter one up to here.
        return text.eightBitCount > text.count / 6 ? .base64 : .quotedPrintable
    }

    private static func forEachPiece(
        of message: MessageReader, _ body: ([UInt8]) -> Void
    ) throws(ConversionError) {
        var message = message
        do throws(SystemError) {
            while let piece = try message.next() { body(piece) }
        } catch {
            throw .unreadable(error)
        }
    }

    /// True when a header of the message or of a part holds a byte beyond ASCII.
    static func hasEightBitHeader(_ message: MessageReader) throws(ConversionError) -> Bool {
        var walk = MIMEWalk()
        var none: [UInt8] = []
        try forEachPiece(of: message) {
            none.removeAll(keepingCapacity: true)
            walk.take($0, into: &none)
        }
        walk.finish(into: &none)
        return walk.hasEightBitHeader || walk.isTooMuch
    }
}

/// A message that is encoded while it is read.
struct ConvertedMessage: MessageSource {
    private var message: MessageReader
    private var walk: MIMEWalk
    private var isFinished = false

    init(_ message: MessageReader, _ walk: MIMEWalk) {
        self.message = message
        self.walk = walk
    }

    mutating func next() throws(SystemError) -> [UInt8]? {
        guard !isFinished else { return nil }
        var output: [UInt8] = []
        if let piece = try message.next() {
            walk.take(piece, into: &output)
        } else {
            isFinished = true
            walk.finish(into: &output)
        }
        return output
    }
}
