// MacroString: text with macros, read strictly.
// RFC 7208, section 7.1.
// SPDX-License-Identifier: MIT

import MailModel

/// What is wrong with a record, in words for a log.
public struct PolicySyntaxError: Error, Hashable, CustomStringConvertible {
    let reason: String

    /// The words.
    public var description: String { reason }

    init(_ reason: String) { self.reason = reason }
}

struct MacroString: Hashable {
    /// One macro with its transformers.
    struct Macro: Hashable {
        /// A small letter.
        let letter: UInt8
        let isEscaped: Bool
        /// How many parts from the right are kept; nil: all.
        let parts: Int?
        let isReversed: Bool
        let delimiters: [UInt8]
    }

    enum Element: Hashable {
        case literal([UInt8])
        /// What `%%`, `%_` and `%-` stand for.
        case escape([UInt8])
        case macro(Macro)

        var isLiteral: Bool { if case .literal = self { true } else { false } }
    }

    /// Where the text stands decides which letters and bytes it may have.
    enum Place {
        case domain
        case modifier
        case explanation
    }

    let elements: [Element]

    /// Reads macro-string, or explain-string where spaces are literal too.
    init(_ text: some Collection<UInt8>, in place: Place) throws(PolicySyntaxError) {
        var rest = Array(text)[...]
        var elements: [Element] = []
        var literal: [UInt8] = []
        while let byte = rest.popFirst() {
            guard byte == 0x25 else {
                let isAllowed =
                    (0x21...0x7E).contains(byte) || (place == .explanation && byte == 0x20)
                guard isAllowed else { throw PolicySyntaxError("a byte that is not visible ASCII") }
                literal.append(byte)
                continue
            }
            if !literal.isEmpty { elements.append(.literal(literal)) }
            literal = []
            elements.append(try MacroString.expansion(&rest, in: place))
        }
        if !literal.isEmpty { elements.append(.literal(literal)) }
        self.elements = elements
    }

    /// Reads domain-spec: macro-string that ends in a macro or in a dot and a top label.
    init(domainSpec text: some Collection<UInt8>) throws(PolicySyntaxError) {
        try self.init(text, in: .domain)
        guard let last = elements.last else { throw PolicySyntaxError("a domain is missing") }
        guard case .literal(var end) = last else { return }
        if end.last == 0x2E { end.removeLast() }
        guard let dot = end.lastIndex(of: 0x2E), MacroString.isTopLabel(end[(dot + 1)...]) else {
            throw PolicySyntaxError("not a domain: \(Array(text).printable)")
        }
    }

    /// What follows a percent sign.
    private static func expansion(
        _ rest: inout ArraySlice<UInt8>, in place: Place
    ) throws(PolicySyntaxError) -> Element {
        switch rest.popFirst() {
        case 0x25: return .escape([0x25])
        case 0x5F: return .escape([0x20])
        case 0x2D: return .escape(Array("%20".utf8))
        case 0x7B:
            guard let end = rest.firstIndex(of: 0x7D) else { break }
            let body = rest[..<end]
            rest = rest[(end + 1)...]
            return .macro(try macro(body, in: place))
        default: break
        }
        throw PolicySyntaxError("a percent sign that begins no macro")
    }

    private static func macro(
        _ body: ArraySlice<UInt8>, in place: Place
    ) throws(PolicySyntaxError) -> Macro {
        var rest = body
        let letters = place == .domain ? "slodipvh" : "slodipvhcrt"
        guard let first = rest.popFirst(), letters.utf8.contains(first.asciiLowercased) else {
            throw PolicySyntaxError("unknown macro letter")
        }
        let digits = rest.prefix(while: \.isASCIIDigit)
        rest = rest.dropFirst(digits.count)
        // What exceeds Int.max keeps every part, as any number over 127 does.
        let parts = digits.isEmpty ? nil : digits.decimalValue ?? .max
        guard parts != 0 else { throw PolicySyntaxError("a macro that keeps no part") }
        let isReversed = rest.first?.asciiLowercased == 0x72
        if isReversed { rest = rest.dropFirst() }
        guard rest.allSatisfy(".-+,/_=".utf8.contains) else {
            throw PolicySyntaxError("unknown macro delimiter")
        }
        return Macro(
            letter: first.asciiLowercased, isEscaped: first != first.asciiLowercased, parts: parts,
            isReversed: isReversed, delimiters: Array(rest))
    }

    /// toplabel: letters, digits and inner hyphens, not digits alone.
    private static func isTopLabel(_ label: ArraySlice<UInt8>) -> Bool {
        guard let first = label.first, let last = label.last, first != 0x2D, last != 0x2D else {
            return false
        }
        return label.allSatisfy { $0.isASCIILetter || $0.isASCIIDigit || $0 == 0x2D }
            && !label.allSatisfy(\.isASCIIDigit)
    }
}
