// AddressList: the addresses of a field such as To, and where each of them is.
// RFC 5322, sections 3.4 and 4.4.
// SPDX-License-Identifier: MIT

import MailModel

/// An address of a list, as it is written.
public struct ListedAddress: Hashable, Sendable {
    /// The local-part without quoting; empty only in `<>`.
    public var localPart: [UInt8]
    /// The domain, or a literal with its brackets; nil when none is there.
    public var domain: [UInt8]?
    /// Where the address is in the body: between angle brackets, or on its own.
    public var range: Range<Int>

    /// True for `<>`.
    public var isEmpty: Bool { localPart.isEmpty && domain == nil }
}

/// The mailboxes of an address-list, those in groups among them. It takes what people write: empty
/// elements, a route, dots where RFC 5322 has none, an unquoted address as a name, and `;` between
/// addresses.
public struct AddressList: Hashable, Sendable {
    /// In the order of the field.
    public private(set) var addresses: [ListedAddress] = []

    /// Reads the body of a field.
    /// - Throws: `AddressError`.
    public init(_ body: [UInt8]) throws(AddressError) {
        var rest = try FieldLexer.words(of: body)[...]
        var isInGroup = false
        while let first = rest.first {
            switch first.kind {
            case .mark(0x2C): rest.removeFirst()
            case .mark(0x3B):
                isInGroup = false
                rest.removeFirst()
            default: try readAddress(&rest, &isInGroup)
            }
        }
    }

    /// Reads an address, or the name of a group.
    private mutating func readAddress(
        _ rest: inout ArraySlice<FieldWord>, _ isInGroup: inout Bool
    ) throws(AddressError) {
        let words = AddressList.run(&rest) { $0.isWord || $0.kind == .mark(0x2E) }
        switch rest.first?.kind {
        case .mark(0x3C): return try readAngle(&rest)
        case .mark(0x3A):
            guard !isInGroup, !words.isEmpty else { throw .unexpected(":") }
            isInGroup = true
            rest.removeFirst()
            return
        default: break
        }
        let address = try AddressList.address(words, &rest)
        // The name in front of an angle address may look like one.
        if case .mark(0x3C)? = rest.first?.kind { return try readAngle(&rest) }
        try AddressList.requireEnd(rest)
        addresses.append(address)
    }

    private mutating func readAngle(_ rest: inout ArraySlice<FieldWord>) throws(AddressError) {
        guard let open = rest.popFirst() else { return }
        // A route means nothing. RFC 5322, section 4.4.
        if case .mark(0x40)? = rest.first?.kind {
            _ = AddressList.run(&rest) { $0.kind != .mark(0x3A) && $0.kind != .mark(0x3E) }
            if case .mark(0x3A)? = rest.first?.kind { rest.removeFirst() }
        }
        let words = AddressList.run(&rest) { $0.isWord || $0.kind == .mark(0x2E) }
        var address = ListedAddress(localPart: [], domain: nil, range: open.range)
        if !words.isEmpty { address = try AddressList.address(words, &rest) }
        guard let close = rest.popFirst(), close.kind == .mark(0x3E) else {
            throw rest.isEmpty ? .unterminated(0x3C) : .unexpected("what follows <")
        }
        address.range = open.range.upperBound..<close.range.lowerBound
        try AddressList.requireEnd(rest)
        addresses.append(address)
    }

    /// An address whose local-part these words are, and whose domain may follow.
    private static func address(
        _ words: ArraySlice<FieldWord>, _ rest: inout ArraySlice<FieldWord>
    ) throws(AddressError) -> ListedAddress {
        guard let first = words.first, var last = words.last else {
            throw .unexpected(rest.first?.bytes.printable ?? "the end")
        }
        for (one, next) in zip(words, words.dropFirst()) where one.isWord && next.isWord {
            throw .unexpected(next.bytes.printable)
        }
        var domain: [UInt8]?
        if case .mark(0x40)? = rest.first?.kind {
            last = rest.removeFirst()
            let parts = run(&rest) {
                $0.kind == .atom || $0.kind == .literal || $0.kind == .mark(0x2E)
            }
            try requireDomain(parts)
            // `bob@` is bob.
            if let end = parts.last {
                last = end
                domain = parts.flatMap(\.bytes)
            }
        }
        let localPart = words.flatMap(\.bytes)
        guard localPart.count + (domain?.count ?? 0) < Mailbox.maximumLength else { throw .tooLong }
        return ListedAddress(
            localPart: localPart, domain: domain,
            range: first.range.lowerBound..<last.range.upperBound)
    }

    /// Atoms with dots between them, or one literal.
    private static func requireDomain(_ parts: ArraySlice<FieldWord>) throws(AddressError) {
        let hasLiteral = parts.contains { $0.kind == .literal }
        guard !hasLiteral || parts.count == 1 else { throw .unexpected("[") }
        for (one, next) in zip(parts, parts.dropFirst())
        where one.kind == .atom && next.kind == .atom {
            throw .unexpected(next.bytes.printable)
        }
    }

    private static func requireEnd(_ rest: ArraySlice<FieldWord>) throws(AddressError) {
        switch rest.first?.kind {
        case nil, .mark(0x2C)?, .mark(0x3B)?: return
        default: throw .unexpected(rest.first?.bytes.printable ?? "")
        }
    }

    /// Takes words off the front as long as they are of a kind.
    private static func run(
        _ rest: inout ArraySlice<FieldWord>, _ isOfKind: (FieldWord) -> Bool
    ) -> ArraySlice<FieldWord> {
        let words = rest.prefix(while: isOfKind)
        rest = rest[words.endIndex...]
        return words
    }
}
