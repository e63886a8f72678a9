// VisibleText: what a reader of HTML sees.
// HTML, section 13.2.5.
// SPDX-License-Identifier: MIT

import MailModel

/// Takes the text out of HTML: without tags, comments, scripts and styles, with characters in
/// place of their names, and with one blank where there are several. Words that tags or comments
/// are put into are joined; elements that begin a line of their own are separated by a line end.
///
/// By hand, since no library at hand reads HTML as mail readers do and bears what strangers send:
/// libxml2 reads HTML 4 and ends at a NUL, and gumbo goes as deep into the stack as the tags do.
struct VisibleText {
    /// With hidden elements left out: those that say that they have no size or are not displayed.
    private let hides: Bool
    private let html: [UInt8]
    private var index = 0
    private(set) var text: [UInt8] = []
    /// True when hidden elements were met.
    private(set) var hasHidden = false
    /// The hidden element whose end is looked for, and how many of its name are open in it.
    private var hidden: (name: [UInt8], depth: Int)?

    /// Reads HTML in UTF-8, or at least in a charset that has ASCII in its place.
    init(of html: [UInt8], hides: Bool) {
        self.html = html
        self.hides = hides
        text.reserveCapacity(html.count / 2)
        while index < html.count {
            switch html[index] {
            case 0x3C: markup()
            case 0x26: character()
            default:
                append(html[index])
                index += 1
            }
        }
    }

    /// A byte of text. NUL is nothing to a reader.
    private mutating func append(_ byte: UInt8) {
        guard hidden == nil, byte != 0 else { return }
        guard byte == 0x20 || (0x09...0x0D).contains(byte) else { return text.append(byte) }
        if let last = text.last, last != 0x20, last != 0x0A { text.append(0x20) }
    }

    private mutating func breakLine() {
        guard hidden == nil, let last = text.last, last != 0x0A else { return }
        if last == 0x20 { text.removeLast() }
        text.append(0x0A)
    }

    /// What begins with `<`; a lone one is text.
    private mutating func markup() {
        let next = index + 1 < html.count ? html[index + 1] : 0x20
        if next.isASCIILetter {
            startTag()
        } else if next == 0x2F {
            endTag()
        } else if next == 0x21 || next == 0x3F {
            comment()
        } else {
            append(0x3C)
            index += 1
        }
    }

    /// `<!-- -->`, and everything else that begins with `<!` or `<?` and ends at `>`.
    private mutating func comment() {
        guard html[index...].starts(with: "<!--".utf8) else { return skip(to: 0x3E) }
        index += 4
        // `<!-->` and `<!--->` are whole comments.
        for end in [">", "->"] where html[index...].starts(with: end.utf8) {
            index += end.utf8.count
            return
        }
        while index < html.count {
            guard html[index] == 0x2D else {
                index += 1
                continue
            }
            for end in ["-->", "--!>"] where html[index...].starts(with: end.utf8) {
                index += end.utf8.count
                return
            }
            index += 1
        }
    }

    private mutating func skip(to end: UInt8) {
        while index < html.count, html[index] != end { index += 1 }
        index += 1
    }

    private mutating func endTag() {
        index += 2
        guard index < html.count, html[index].isASCIILetter else { return skip(to: 0x3E) }
        let (name, _) = tag()
        if let open = hidden, open.name == name {
            hidden = open.depth == 1 ? nil : (name, open.depth - 1)
        }
        if Element.isBlock(name) { breakLine() }
        if Element.isCell(name) { append(0x20) }
    }

    private mutating func startTag() {
        index += 1
        let (name, isHidden) = tag()
        if Element.isBlock(name) { breakLine() }
        if Element.isCell(name) { append(0x20) }
        if Element.isRaw(name) { return skipRaw(name) }
        if let open = hidden, open.name == name {
            hidden = (name, open.depth + 1)
        } else if isHidden, !Element.isVoid(name) {
            hasHidden = true
            if hides, hidden == nil { hidden = (name, 1) }
        }
    }

    /// What no markup is in, up to its own end tag.
    private mutating func skipRaw(_ name: [UInt8]) {
        while index < html.count {
            skip(to: 0x3C)
            guard index + name.count < html.count, html[index] == 0x2F,
                html[(index + 1)...(index + name.count)].asciiLowercased == name
            else { continue }
            let after = index + name.count + 1
            guard after < html.count, !html[after].endsTagName else {
                index = after
                return skip(to: 0x3E)
            }
        }
    }

    /// The name in small letters, and whether an attribute hides the element. The index is behind
    /// the `>` then; in quotes it is none.
    private mutating func tag() -> (name: [UInt8], isHidden: Bool) {
        let start = index
        while index < html.count, !html[index].endsTagName { index += 1 }
        let name = html[start..<index].asciiLowercased
        let attributes = index
        var quote: UInt8?
        var isValue = false
        while index < html.count {
            let byte = html[index]
            if let open = quote {
                if byte == open { quote = nil }
            } else if byte == 0x3E {
                break
            } else if isValue, byte == 0x22 || byte == 0x27 {
                quote = byte
            }
            // A quote opens a value only right behind `=` and blanks.
            if quote == nil { isValue = byte == 0x3D || (isValue && byte.isHTMLSpace) }
            index += 1
        }
        let end = min(index, html.count)
        index += 1
        guard end > attributes else { return (name, false) }
        return (name, Element.isHidden(html[attributes..<end]))
    }

    /// `&#8364;`, `&#x20AC;`, `&euro;`; what names nothing is text.
    private mutating func character() {
        let rest = html[(index + 1)...].prefix(40)
        if rest.first == 0x23 { return number(rest.dropFirst()) }
        let name = rest.prefix { $0.isASCIILetter || $0.isASCIIDigit }
        if rest.dropFirst(name.count).first == 0x3B, let known = CharacterNames.text(name) {
            index += name.count + 2
            return put(known)
        }
        if let known = CharacterNames.prefix(of: name) {
            index += known.length + 1
            return put(known.text)
        }
        append(0x26)
        index += 1
    }

    private mutating func number(_ rest: ArraySlice<UInt8>) {
        let isHex = rest.first.map { $0 | 0x20 } == 0x78
        let digits = rest.dropFirst(isHex ? 1 : 0).prefix {
            isHex ? $0.isHexDigit : $0.isASCIIDigit
        }
        guard !digits.isEmpty else {
            append(0x26)
            index += 1
            return
        }
        index += 2 + (isHex ? 1 : 0) + digits.count
        // Zeros in front may be more than what was looked at.
        while index < html.count, isHex ? html[index].isHexDigit : html[index].isASCIIDigit,
            digits.allSatisfy({ $0 == 0x30 })
        {
            let (more, end) = (html[index...].prefix(40), index)
            index = end
            let tail = more.prefix { isHex ? $0.isHexDigit : $0.isASCIIDigit }
            index += tail.count
            guard tail.allSatisfy({ $0 == 0x30 }) else { return scalar(tail, isHex) }
        }
        scalar(digits, isHex)
    }

    private mutating func scalar(_ digits: ArraySlice<UInt8>, _ isHex: Bool) {
        if index < html.count, html[index] == 0x3B { index += 1 }
        let text = String(decoding: digits, as: UTF8.self)
        let value = UInt32(text, radix: isHex ? 16 : 10) ?? 0xFFFD
        // HTML, section 13.2.5.80: 128 to 159 are those of windows-1252.
        if (0x80...0x9F).contains(value),
            let known = Text.utf8([UInt8(value)], from: Array("windows-1252".utf8))
        {
            return put(known.text)
        }
        put(Array(String(Unicode.Scalar(value) ?? "\u{FFFD}").utf8))
    }

    private mutating func put(_ bytes: [UInt8]) { bytes.forEach { append($0) } }
}

extension UInt8 {
    /// True for what HTML calls ASCII whitespace.
    var isHTMLSpace: Bool { self == 0x20 || (0x09...0x0D).contains(self) }

    /// True for what ends the name of a tag.
    fileprivate var endsTagName: Bool { isHTMLSpace || self == 0x2F || self == 0x3E }

    /// True for `0` to `9` and `a` to `f` in both cases.
    var isHexDigit: Bool { isASCIIDigit || (0x61...0x66).contains(asciiLowercased) }
}
