// PathSyntax: the grammar of paths, mailboxes and domains.
// RFC 5321, section 4.1.2 and 4.1.3; RFC 6531, section 3.3.
// SPDX-License-Identifier: MIT

import MailModel

/// How long the parts of a path may be, in bytes. RFC 5321, section 4.5.3.1.
public struct PathLimits: Hashable, Sendable {
    /// Bytes of a local-part, quotes included.
    public var localPart = 64
    /// Bytes of a domain or an address literal.
    public var domain = 255
    /// Bytes of a path with its brackets, its source route and its punctuation.
    public var path = 256

    /// The limits of RFC 5321.
    public init() {}
}

/// Why bytes are not a path.
public enum PathError: Error, Equatable {
    /// Not of the grammar.
    case syntax
    /// Over one of `PathLimits`.
    case tooLong
}

/// A path as RFC 5321 has it, taken off the front of a command's argument; with `utf8`, as RFC
/// 6531 has it, where local-parts and domains may hold UTF-8.
public struct PathSyntax {
    private var rest: ArraySlice<UInt8>
    private let limits: PathLimits
    private let utf8: Bool

    private init(
        _ bytes: ArraySlice<UInt8>, limits: PathLimits = PathLimits(), utf8: Bool = false
    ) {
        rest = bytes
        self.limits = limits
        self.utf8 = utf8
    }

    /// Takes `<>` or a path off the front.
    /// - Throws: `PathError`; `bytes` is then as it was.
    public static func reversePath(
        from bytes: inout ArraySlice<UInt8>, limits: PathLimits = PathLimits(), utf8: Bool = false
    ) throws(PathError) -> ReversePath {
        if bytes.starts(with: [0x3C, 0x3E]) {
            bytes = bytes.dropFirst(2)
            return .null
        }
        return .mailbox(try forwardPath(from: &bytes, limits: limits, utf8: utf8))
    }

    /// Takes a path off the front. A source route is checked and thrown away (RFC 5321,
    /// appendix C). A quoted local-part that needs no quotes loses them, since both forms are the
    /// same mailbox (section 4.1.2); nothing else is changed.
    /// - Throws: `PathError`; `bytes` is then as it was.
    public static func forwardPath(
        from bytes: inout ArraySlice<UInt8>, limits: PathLimits = PathLimits(), utf8: Bool = false
    ) throws(PathError) -> Mailbox {
        var syntax = PathSyntax(bytes, limits: limits, utf8: utf8)
        let mailbox = try syntax.path()
        guard bytes.count - syntax.rest.count <= limits.path else { throw .tooLong }
        bytes = syntax.rest
        return mailbox
    }

    /// True when the bytes are a mailbox: local-part, `@`, and a domain or address literal.
    public static func isMailbox(_ bytes: some Collection<UInt8>, utf8: Bool = false) -> Bool {
        var syntax = PathSyntax(Array(bytes)[...], utf8: utf8)
        return (try? syntax.mailbox()) != nil && syntax.rest.isEmpty
    }

    /// True when the bytes are a domain name.
    public static func isDomain(_ bytes: some Collection<UInt8>, utf8: Bool = false) -> Bool {
        var syntax = PathSyntax(Array(bytes)[...], utf8: utf8)
        return (try? syntax.domain()) != nil && syntax.rest.isEmpty
    }

    /// True when the bytes are an address in brackets.
    public static func isAddressLiteral(_ bytes: some Collection<UInt8>) -> Bool {
        var syntax = PathSyntax(Array(bytes)[...])
        return (try? syntax.addressLiteral()) != nil && syntax.rest.isEmpty
    }

    /// The mailbox as a path for the wire: as it is where it is a mailbox of the grammar, with a
    /// quoted local-part where it is not (qmail's envelopes hold local-parts without their
    /// quotes). Nil when not even that makes it one: control characters, bytes beyond ASCII unless
    /// they are UTF-8 and `utf8` is true, no domain or an impossible one.
    public static func path(of mailbox: Mailbox, utf8: Bool = false) -> [UInt8]? {
        if isMailbox(mailbox.bytes, utf8: utf8) { return [0x3C] + mailbox.bytes + [0x3E] }
        guard let domain = mailbox.domain else { return nil }
        var quoted: [UInt8] = [0x22]
        for byte in mailbox.localPart {
            if byte == 0x22 || byte == 0x5C { quoted.append(0x5C) }
            quoted.append(byte)
        }
        quoted += [0x22, 0x40] + domain
        return isMailbox(quoted, utf8: utf8) ? [0x3C] + quoted + [0x3E] : nil
    }
}

extension PathSyntax {
    /// `"<" [ A-d-l ":" ] Mailbox ">"`
    private mutating func path() throws(PathError) -> Mailbox {
        try expect(0x3C)
        if rest.first == 0x40 { try sourceRoute() }
        let mailbox = try mailbox()
        try expect(0x3E)
        return mailbox
    }

    /// `At-domain *( "," At-domain ) ":"`
    private mutating func sourceRoute() throws(PathError) {
        repeat {
            try expect(0x40)
            _ = try domain()
        } while take(0x2C)
        try expect(0x3A)
    }

    /// `Local-part "@" ( Domain / address-literal )`
    private mutating func mailbox() throws(PathError) -> Mailbox {
        var bytes = try localPart()
        guard bytes.count <= limits.localPart else { throw .tooLong }
        bytes = withoutNeedlessQuotes(bytes)
        try expect(0x40)
        bytes.append(0x40)
        let place = try rest.first == 0x5B ? addressLiteral() : domain()
        bytes += place
        guard let mailbox = try? Mailbox(bytes) else { throw .tooLong }
        return mailbox
    }

    private mutating func localPart() throws(PathError) -> [UInt8] {
        rest.first == 0x22 ? try quotedString() : Array(try dotString())
    }

    /// `Atom *("." Atom)`
    private mutating func dotString() throws(PathError) -> ArraySlice<UInt8> {
        try row(
            separator: 0x2E, international: InternationalText.isText, of: PathSyntax.isAtomText)
    }

    /// `DQUOTE *QcontentSMTP DQUOTE`, quotes included. A backslash stands before ASCII only.
    private mutating func quotedString() throws(PathError) -> [UInt8] {
        let all = rest
        try expect(0x22)
        while let byte = rest.first {
            if byte >= 0x80 {
                rest = rest[try endOfCharacter(at: rest.startIndex, InternationalText.isText)...]
                continue
            }
            rest = rest.dropFirst()
            if byte == 0x22 { return Array(all[..<rest.startIndex]) }
            guard (0x20...0x7E).contains(byte) else { throw .syntax }
            guard byte == 0x5C else { continue }
            guard let next = rest.popFirst(), (0x20...0x7E).contains(next) else { throw .syntax }
        }
        throw .syntax
    }

    /// `sub-domain *("." sub-domain)`, where no sub-domain begins or ends with a hyphen.
    private mutating func domain() throws(PathError) -> ArraySlice<UInt8> {
        let name = try row(separator: 0x2E, international: InternationalText.isLabelText) {
            $0.isASCIILetter || $0.isASCIIDigit || $0 == 0x2D
        }
        for label in name.split(separator: 0x2E) {
            guard label.first != 0x2D, label.last != 0x2D else { throw .syntax }
            guard label.contains(where: { $0 >= 0x80 }) else {
                // RFC 1035, section 2.3.4: no longer label exists in the DNS.
                guard label.count <= 63 else { throw .tooLong }
                continue
            }
            try InternationalText.check(label)
        }
        guard name.count <= limits.domain else { throw .tooLong }
        return name
    }

    /// `"[" ( IPv4-address-literal / IPv6-address-literal ) "]"`.
    private mutating func addressLiteral() throws(PathError) -> ArraySlice<UInt8> {
        let whole = rest
        try expect(0x5B)
        guard let end = rest.firstIndex(of: 0x5D) else { throw .syntax }
        let content = rest[..<end]
        rest = rest[(end + 1)...]
        guard content.count <= limits.domain, AddressLiteral.isContent(content) else {
            throw .syntax
        }
        return whole[..<(end + 1)]
    }

    /// One or more runs of bytes that `belongs` takes, and of characters beyond ASCII that
    /// `international` takes, with one separator between two of them.
    private mutating func row(
        separator: UInt8, international: (UInt32) -> Bool, of belongs: (UInt8) -> Bool
    ) throws(PathError) -> ArraySlice<UInt8> {
        var end = rest.startIndex
        var previous = separator
        while end < rest.endIndex {
            let byte = rest[end]
            guard byte < 0x80 else {
                end = try endOfCharacter(at: end, international)
                previous = byte
                continue
            }
            guard byte == separator || belongs(byte) else { break }
            guard byte != separator || previous != separator else { throw .syntax }
            previous = byte
            end += 1
        }
        guard previous != separator else { throw .syntax }
        let all = rest[..<end]
        rest = rest[all.endIndex...]
        return all
    }

    /// Where the character beyond ASCII ends that begins here and that `belongs` takes.
    private func endOfCharacter(
        at start: Int, _ belongs: (UInt32) -> Bool
    ) throws(PathError) -> Int {
        guard utf8, let character = UTF8Text.character(rest[start...]), belongs(character.scalar)
        else { throw .syntax }
        return start + character.length
    }

    private mutating func expect(_ byte: UInt8) throws(PathError) {
        guard take(byte) else { throw .syntax }
    }

    private mutating func take(_ byte: UInt8) -> Bool {
        guard rest.first == byte else { return false }
        rest = rest.dropFirst()
        return true
    }

    /// atext of RFC 5322, section 3.2.3: letters, digits and ``!#$%&'*+-/=?^_`{|}~``.
    static func isAtomText(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x5E...0x7E: true
        case 0x21, 0x23...0x27, 0x2A, 0x2B, 0x2D, 0x2F, 0x3D, 0x3F: true
        default: false
        }
    }

    private func withoutNeedlessQuotes(_ localPart: [UInt8]) -> [UInt8] {
        guard localPart.first == 0x22 else { return localPart }
        var content: [UInt8] = []
        var rest = localPart.dropFirst().dropLast()
        while let byte = rest.popFirst() {
            guard byte == 0x5C, let next = rest.popFirst() else {
                content.append(byte)
                continue
            }
            content.append(next)
        }
        var syntax = PathSyntax(content[...], utf8: utf8)
        return (try? syntax.dotString()) != nil && syntax.rest.isEmpty ? content : localPart
    }
}
