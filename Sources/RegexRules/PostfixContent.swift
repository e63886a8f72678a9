// PostfixContent: divides a message into what header_checks and body_checks look at.
// header_checks(5), section FILTERS WHILE RECEIVING MAIL.
// SPDX-License-Identifier: MIT

// Where a line belongs is Postfix's decision and not GMime's, or the same table would judge other
// lines.

import MailModel

/// Walks over a message: logical lines of headers, also of MIME parts and attached messages, and
/// physical lines of all else.
struct PostfixContent {
    /// One thing to look at.
    struct Piece {
        let kind: PostfixTableKind
        /// Where in the message it is, with its final line end.
        let range: Range<Int>
        /// What a pattern sees, as a range of the message, when it is there as it is.
        let text: Range<Int>
        /// What a pattern sees otherwise: a field without the CRs of its folds, and without blanks
        /// before its colon.
        let rewritten: [UInt8]?
        /// For a body: how much of it was before this line.
        let offset: Int
    }

    /// Longer lines of a body are looked at in pieces, Postfix's line_length_limit.
    static let longestLine = 2_048

    private enum State {
        case header
        /// A line that is no field was in the primary header: to Postfix the body began, but to
        /// others it may not have.
        case doubtful
        case body
    }

    private var state = State.header
    private var isPrimary = true
    private var mime = PostfixParts()
    private var offset = 0
    /// The field that may go on in the next line.
    private var field: Range<Int>?
    private var position = 0
    /// What the last line gave, and how much of it was taken.
    private var pieces: [Piece] = []
    private var taken = 0

    /// The next piece; nil at the end.
    mutating func next(in bytes: UnsafeRawBufferPointer) -> Piece? {
        while taken == pieces.count {
            pieces.removeAll(keepingCapacity: true)
            taken = 0
            if position < bytes.count {
                let end = bytes.endOfLine(from: position)
                take(bytes, position..<end)
                position = end
            } else if field != nil {
                endField(bytes)
            } else {
                return nil
            }
        }
        taken += 1
        return pieces[taken - 1]
    }

    private mutating func take(_ bytes: UnsafeRawBufferPointer, _ line: Range<Int>) {
        let text = bytes.withoutLineEnd(line)
        if state == .body { return body(bytes, line, text) }
        if state == .doubtful, mime.isBoundary(UnsafeRawBufferPointer(rebasing: bytes[text])) {
            endField(bytes)
            return body(bytes, line, text)
        }
        if let begun = field {
            if !text.isEmpty, bytes[text.lowerBound].isBlank {
                field = begun.lowerBound..<line.upperBound
                if state == .doubtful { emit(bytes, line, text) }
                return
            }
            endField(bytes)
        }
        if bytes.isField(text) || isFirstFromLine(bytes, line, text) {
            field = line
            if state == .doubtful { emit(bytes, line, text) }
            return
        }
        if text.isEmpty || !isPrimary {
            endHeader(text.isEmpty)
            return body(bytes, line, text)
        }
        if state == .header {
            state = .doubtful
            offset = 0
        }
        body(bytes, line, text)
    }

    /// The `From ` line of an mbox: Postfix makes a field of it.
    private func isFirstFromLine(
        _ bytes: UnsafeRawBufferPointer, _ line: Range<Int>, _ text: Range<Int>
    ) -> Bool {
        guard line.lowerBound == 0 else { return false }
        return bytes[text].drop { $0 == 0x3E }.starts(with: "From ".utf8)
    }

    private mutating func endHeader(_ isEmptyLine: Bool) {
        offset = 0
        state = .body
        guard isEmptyLine else { return }
        if mime.beginsMessage {
            state = .header
            isPrimary = false
            mime.beginPart(type: .text)
        } else if mime.type == .multipart {
            mime.beginPart(type: .other)
        }
    }

    private mutating func endField(_ bytes: UnsafeRawBufferPointer) {
        guard let range = field else { return }
        field = nil
        let text = bytes.withoutLineEnd(range)
        let rewritten = bytes.fieldAsPostfixHasIt(text)
        if let rewritten {
            rewritten.withUnsafeBytes { mime.take($0) }
        } else {
            mime.take(UnsafeRawBufferPointer(rebasing: bytes[text]))
        }
        pieces.append(
            Piece(kind: .header, range: range, text: text, rewritten: rewritten, offset: 0))
    }

    private mutating func body(
        _ bytes: UnsafeRawBufferPointer, _ line: Range<Int>, _ text: Range<Int>
    ) {
        if let isLast = mime.boundary(UnsafeRawBufferPointer(rebasing: bytes[text])) {
            offset = 0
            state = isLast ? .body : .header
            isPrimary = false
        }
        emit(bytes, line, text)
    }

    /// A line in pieces of at most `longestLine`; the line end belongs to the last one.
    private mutating func emit(
        _ bytes: UnsafeRawBufferPointer, _ line: Range<Int>, _ text: Range<Int>
    ) {
        guard !text.isEmpty else {
            offset += 1
            return
        }
        var start = text.lowerBound
        repeat {
            let end = min(start + PostfixContent.longestLine, text.upperBound)
            let isLast = end == text.upperBound
            pieces.append(
                Piece(
                    kind: .body, range: start..<(isLast ? line.upperBound : end), text: start..<end,
                    rewritten: nil, offset: offset))
            offset += end - start + 1
            start = end
        } while start < text.upperBound
    }
}

extension UnsafeRawBufferPointer {
    /// A line without its LF or CRLF.
    fileprivate func withoutLineEnd(_ line: Range<Int>) -> Range<Int> {
        var end = line.upperBound
        if end > line.lowerBound, self[end - 1] == 0x0A {
            end -= 1
            if end > line.lowerBound, self[end - 1] == 0x0D { end -= 1 }
        }
        return line.lowerBound..<end
    }

    /// True for a name, perhaps blanks, and a colon.
    fileprivate func isField(_ line: Range<Int>) -> Bool {
        guard let nameEnd = nameEnd(line) else { return false }
        return nameEnd > line.lowerBound
    }

    /// Where the name of a field ends; nil for a line that is none.
    private func nameEnd(_ line: Range<Int>) -> Int? {
        var end: Int?
        for index in line {
            let byte = self[index]
            if byte == 0x3A { return end ?? index }
            if byte.isBlank {
                guard index > line.lowerBound else { return nil }
                end = end ?? index
            } else if end != nil || byte.isControl || byte >= 0x80 {
                return nil
            }
        }
        return nil
    }

    /// The field without CRs in its folds, and with nothing between name and colon; nil where
    /// that is what it is already.
    fileprivate func fieldAsPostfixHasIt(_ text: Range<Int>) -> [UInt8]? {
        let nameEnd = nameEnd(text)
        guard let nameEnd else {
            // The `From ` line of an mbox.
            return Array("X-Mailbox-Line: ".utf8) + self[text]
        }
        let hasBlanks = self[nameEnd] != 0x3A
        var hasCR = false
        for index in text.dropLast() where self[index] == 0x0D && self[index + 1] == 0x0A {
            hasCR = true
            break
        }
        guard hasBlanks || hasCR else { return nil }
        var field = Array(self[text.lowerBound..<nameEnd])
        let rest = Array(self[nameEnd..<text.upperBound].drop(while: \.isBlank))
        for (index, byte) in rest.enumerated() {
            let next = index + 1 < rest.count ? rest[index + 1] : 0
            if byte != 0x0D || next != 0x0A { field.append(byte) }
        }
        return field
    }
}
