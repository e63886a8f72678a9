// MIMEWalk: goes through a message part by part, to see what is in them or to encode them.
// RFC 2046, section 5.1; RFC 6152, section 3.
// SPDX-License-Identifier: MIT

import MailModel
import SMTPClient

/// What was seen of one text: the body of a part, or what stands before, between and after parts.
struct MIMEText: Equatable {
    /// False where it must stay as it is.
    var isEncodable = true
    /// True for what is not a part.
    var isSurroundings = false
    /// True within something that is signed or encrypted as a whole.
    var isSealed = false
    fileprivate(set) var count = 0
    fileprivate(set) var eightBitCount = 0
    fileprivate(set) var hasLongLine = false
}

/// A walk through a message that comes in pieces of any size. The numbers of its texts are the same
/// each time. Nothing recurses, and no more than a header and a line are held.
struct MIMEWalk {
    /// The longest line without its end. RFC 5321, section 4.5.3.1.6.
    static let lineLimit = MessageSurvey.lineLimit
    /// A header that is longer, more texts, or parts that are nested deeper, are not understood.
    static let headerLimit = 1 << 20
    static let textLimit = 10_000
    static let depthLimit = 100
    /// No boundary has longer lines.
    private static let heldLimit = 4096

    private struct Level {
        let boundary: [UInt8]
        let isSealed: Bool
        let isDigest: Bool
    }

    /// What becomes of each text; none while it is only looked at.
    private let forms: [BodyForm]
    private let isSevenBit: Bool
    private(set) var texts: [MIMEText] = []
    /// True when a header holds a byte beyond ASCII.
    private(set) var hasEightBitHeader = false
    /// True when something was over a limit: what was seen says nothing then.
    private(set) var isTooMuch = false

    private var levels: [Level] = []
    private var header: [UInt8]? = []
    private var isMessage = true
    private var line: [UInt8] = []
    private var lineLength = 0
    private var encoder = BodyEncoder(.asIs)

    /// A walk that gives each text the form of its number, and with `isSevenBit` no part a label that
    /// lets it hold more.
    init(_ forms: [BodyForm] = [], isSevenBit: Bool = false) {
        self.forms = forms
        self.isSevenBit = isSevenBit
    }

    /// Takes a piece and appends what it becomes.
    mutating func take(_ piece: [UInt8], into output: inout [UInt8]) {
        var rest = piece[...]
        while let end = rest.firstIndex(of: 0x0A) {
            line += rest[...end]
            endLine(&output)
            rest = rest[(end + 1)...]
        }
        line += rest
        // What is too long for a boundary flows on.
        if header == nil, line.count > Self.heldLimit { flow(&output) }
        giveUpHeader(&output)
    }

    /// A header that is too long goes on as it is, and so does all behind it.
    private mutating func giveUpHeader(_ output: inout [UInt8]) {
        guard let bytes = header, bytes.count + line.count > Self.headerLimit else { return }
        isTooMuch = true
        output += bytes
        begin(MIMEText(isEncodable: false))
        flow(&output)
    }

    /// At the end of the message.
    mutating func finish(into output: inout [UInt8]) {
        if !line.isEmpty { endLine(&output) }
        if header != nil { endHeader(hasEmptyLine: false, &output) }
        encoder.finish(beforeBoundary: false, into: &output)
    }

    private mutating func endLine(_ output: inout [UInt8]) {
        if header != nil { return takeHeaderLine(&output) }
        if lineLength == 0, let (index, isLast) = boundary(line) {
            encoder.finish(beforeBoundary: true, into: &output)
            passBoundary(index, isLast, &output)
        } else {
            flow(&output)
        }
        lineLength = 0
    }

    private mutating func takeHeaderLine(_ output: inout [UInt8]) {
        if line == [0x0A] {
            line = []
            return endHeader(hasEmptyLine: true, &output)
        }
        if let (index, isLast) = boundary(line) {
            endHeader(hasEmptyLine: false, &output)
            encoder.finish(beforeBoundary: true, into: &output)
            return passBoundary(index, isLast, &output)
        }
        header? += line
        line = []
        giveUpHeader(&output)
    }

    /// The boundary line goes out as it is; the innermost level that it fits is meant.
    private mutating func passBoundary(_ index: Int, _ isLast: Bool, _ output: inout [UInt8]) {
        output += line
        line = []
        lineLength = 0
        levels.removeLast(levels.count - index - (isLast ? 0 : 1))
        if isLast {
            begin(MIMEText(isSurroundings: true, isSealed: isSealed))
        } else {
            header = []
            isMessage = false
        }
    }

    private func boundary(_ line: [UInt8]) -> (index: Int, isLast: Bool)? {
        guard line.starts(with: [0x2D, 0x2D]) else { return nil }
        let text = line.dropFirst(2)
        for (index, level) in levels.enumerated().reversed()
        where text.starts(with: level.boundary) {
            let rest = text.dropFirst(level.boundary.count)
            let isLast = rest.starts(with: [0x2D, 0x2D])
            if rest.dropFirst(isLast ? 2 : 0).allSatisfy({ $0.isBlank || $0 == 0x0A }) {
                return (index, isLast)
            }
        }
        return nil
    }

    private var isSealed: Bool { levels.contains { $0.isSealed } }

    /// Text of a body.
    private mutating func flow(_ output: inout [UInt8]) {
        if let last = texts.indices.last {
            texts[last].count += line.count
            var eightBitCount = 0
            for byte in line { eightBitCount &+= Int(byte >> 7) }
            texts[last].eightBitCount += eightBitCount
            lineLength += line.count
            let length = lineLength - (line.last == 0x0A ? 1 : 0)
            if length > Self.lineLimit { texts[last].hasLongLine = true }
        }
        encoder.take(line, into: &output)
        line = []
    }

    private mutating func begin(_ text: MIMEText) {
        header = nil
        if texts.count >= Self.textLimit { isTooMuch = true } else { texts.append(text) }
        encoder = BodyEncoder(form(of: texts.count - 1))
    }

    private func form(of number: Int) -> BodyForm {
        forms.indices.contains(number) ? forms[number] : .asIs
    }

    private mutating func endHeader(hasEmptyLine: Bool, _ output: inout [UInt8]) {
        let bytes = header ?? []
        hasEightBitHeader = hasEightBitHeader || bytes.contains { $0 >= 0x80 }
        let found = MIMEHeader(bytes)
        let kind = found.kind(isInDigest: !isMessage && levels.last?.isDigest == true)
        let isSealed = isSealed
        var label: String?
        if case .leaf = kind { label = form(of: texts.count).label }
        if label == nil, isSevenBit, !isSealed, found.mayHoldEightBit { label = "7bit" }
        output += label.map { found.encoded(as: $0, isMessage: isMessage) } ?? bytes
        if hasEmptyLine { output.append(0x0A) }
        switch kind {
        case .leaf(let isEncodable):
            begin(MIMEText(isEncodable: isEncodable, isSealed: isSealed))
        case .multipart(let boundary, let isSigned, let isDigest):
            if levels.count < Self.depthLimit {
                levels.append(Level(boundary: boundary, isSealed: isSigned, isDigest: isDigest))
            } else {
                isTooMuch = true
            }
            begin(MIMEText(isSurroundings: true, isSealed: isSealed || isSigned))
        case .message:
            isMessage = true
            header = hasEmptyLine ? [] : nil
            if !hasEmptyLine { begin(MIMEText(isSealed: isSealed)) }
        }
    }
}
