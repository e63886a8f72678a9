// AliasLexer: the words of a line of an aliases file.
// aliases(5); RFC 5322, section 3.2.
// SPDX-License-Identifier: MIT

import MailModel

/// Why a line cannot be read.
struct AliasFault: Error, Hashable {
    let reason: String

    init(_ reason: String) { self.reason = reason }
}

/// Reads one line from its beginning to its end. Quotes group, a backslash in them takes the next
/// byte as it is; nothing is expanded.
struct AliasLexer {
    private let line: ArraySlice<UInt8>
    private var place: Int

    init(_ line: ArraySlice<UInt8>) {
        self.line = line
        place = line.startIndex
    }

    private var next: UInt8? { place < line.endIndex ? line[place] : nil }

    private mutating func skipBlanks() { while let byte = next, byte.isBlank { place += 1 } }

    /// The name before the colon, with small letters.
    mutating func name() throws(AliasFault) -> [UInt8] {
        var text: [UInt8] = []
        var end: Int?
        while let byte = next, byte != 0x3A {
            place += 1
            if byte == 0x22 {
                text += try quoted()
            } else if byte.isBlank {
                end = end ?? text.count
                continue
            } else {
                guard byte >= 0x20, byte != 0x7F else { throw AliasFault("a control character") }
                text.append(byte)
            }
            guard end == nil else { throw AliasFault("a blank in a name that is not in quotes") }
        }
        guard next == 0x3A else { throw AliasFault("not \"name: value, ...\"") }
        place += 1
        guard let first = text.first else { throw AliasFault("no name before the colon") }
        guard !text.contains(0x40) else {
            throw AliasFault("an alias is a name of this host, without @ and domain")
        }
        guard first != 0x5C, first != 0x2F, first != 0x7C else {
            throw AliasFault("no name begins with \(text.prefix(1).printable)")
        }
        return text.asciiLowercased
    }

    /// What is between quotes; the first is behind us.
    private mutating func quoted() throws(AliasFault) -> [UInt8] {
        var text: [UInt8] = []
        while let byte = next {
            place += 1
            switch byte {
            case 0x22: return text
            case 0x5C:
                guard let escaped = next else { throw AliasFault("a quote that is not closed") }
                place += 1
                text.append(escaped)
            default: text.append(byte)
            }
            guard let last = text.last, last >= 0x20 || last == 0x09, last != 0x7F else {
                throw AliasFault("a control character")
            }
        }
        throw AliasFault("a quote that is not closed")
    }

    /// A comma, or a value.
    enum Word {
        case comma
        case value(AliasValue)
    }

    /// The next word; nil at the end of the line.
    mutating func word() throws(AliasFault) -> Word? {
        skipBlanks()
        guard let byte = next else { return nil }
        guard byte != 0x2C else {
            place += 1
            return .comma
        }
        var draft = Draft()
        while let byte = next, byte != 0x2C {
            place += 1
            try take(byte, &draft)
        }
        if let value = try draft.value() { return .value(value) }
        return next == nil ? nil : try word()
    }

    private mutating func take(_ byte: UInt8, _ draft: inout Draft) throws(AliasFault) {
        switch byte {
        case 0x22: try draft.append(quoted: quoted())
        case 0x28 where draft.isAddress: try skipComment()
        case 0x3C where draft.isAddress: try draft.open()
        case 0x3E where draft.isOpen: draft.close()
        case 0x5C where draft.isAddress && draft.text.isEmpty && !draft.isUser:
            draft.isUser = true
        case 0x5C where draft.isAddress:
            guard let escaped = next else { throw AliasFault("a backslash at the end") }
            place += 1
            try draft.append(quoted: [escaped])
        default:
            guard byte >= 0x20 || byte == 0x09, byte != 0x7F else {
                throw AliasFault("a control character")
            }
            if byte.isBlank { draft.blank() } else { try draft.append(byte) }
        }
    }

    /// RFC 5322, section 3.2.2: comments nest.
    private mutating func skipComment() throws(AliasFault) {
        var depth = 1
        while depth > 0 {
            guard let byte = next else { throw AliasFault("a comment that is not closed") }
            place += 1
            switch byte {
            case 0x28: depth += 1
            case 0x29: depth -= 1
            case 0x5C: place += next == nil ? 0 : 1
            default: break
            }
        }
    }
}

/// A value that is being read.
private struct Draft {
    private(set) var text: [UInt8] = []
    var isUser = false
    /// Within `<` and `>`.
    private(set) var isOpen = false
    private var isClosed = false
    private var wasQuoted = false
    private var hasBlank = false
    private var hasColon = false
    /// Blanks that count only where something follows.
    private var pending = 0

    /// True unless it begins as a command, a path or a directive.
    var isAddress: Bool {
        guard !isUser, let first = text.first else { return true }
        return first != 0x7C && first != 0x2F && first != 0x3A
    }

    mutating func append(quoted bytes: [UInt8]) throws(AliasFault) {
        try begin()
        wasQuoted = true
        text += bytes
    }

    mutating func append(_ byte: UInt8) throws(AliasFault) {
        try begin()
        if byte == 0x3A || byte == 0x3B, !text.isEmpty { hasColon = true }
        text.append(byte)
    }

    private mutating func begin() throws(AliasFault) {
        guard !isClosed else { throw AliasFault("something after an address in < and >") }
        if pending > 0 {
            if !text.isEmpty {
                hasBlank = true
                text += repeatElement(0x20, count: pending)
            }
            pending = 0
        }
    }

    mutating func blank() { pending += 1 }

    mutating func open() throws(AliasFault) {
        guard !isOpen, !isClosed else { throw AliasFault("more than one address in < and >") }
        self = Draft()
        isOpen = true
    }

    mutating func close() {
        isOpen = false
        isClosed = true
        pending = 0
    }

    /// The value; nil when there was nothing but comments and blanks.
    func value() throws(AliasFault) -> AliasValue? {
        guard !isOpen else { throw AliasFault("a < without its >") }
        guard let first = text.first else {
            guard !isUser, !wasQuoted, !isClosed else { throw AliasFault("an empty address") }
            return nil
        }
        guard !isUser else { return .user(try name()) }
        switch first {
        case 0x7C:
            let command = Array(text.dropFirst().drop { $0.isBlank })
            guard !command.isEmpty else { throw AliasFault("no command after |") }
            return .program(command)
        case 0x2F:
            guard !hasBlank else { throw AliasFault("a blank in a path that is not in quotes") }
            guard let value = AliasValue(path: text) else { throw AliasFault("no usable path") }
            return value
        case 0x3A: return .include(try included())
        default: return .address(try address())
        }
    }

    private func included() throws(AliasFault) -> String {
        let word = Array(":include:".utf8)
        guard text.asciiLowercased.starts(with: word) else {
            throw AliasFault("\(text.prefix(20).printable): only :include:/path begins so")
        }
        let path = text.dropFirst(word.count).drop { $0.isBlank }
        guard path.first == 0x2F, let name = String(validating: path, as: UTF8.self) else {
            throw AliasFault(":include: needs a path from /")
        }
        return name
    }

    private func name() throws(AliasFault) -> [UInt8] {
        let name = try address()
        guard !name.contains(0x40) else { throw AliasFault("a domain after \\name") }
        return name
    }

    private func address() throws(AliasFault) -> [UInt8] {
        guard !hasBlank else {
            throw AliasFault("\(text.prefix(80).printable): a blank; values are divided by commas")
        }
        guard !hasColon else { throw AliasFault("\(text.prefix(80).printable): no address") }
        guard let mailbox = try? Mailbox(text), text.count <= AliasLimits.longestAddress else {
            throw AliasFault("an address that is too long")
        }
        guard !mailbox.localPart.isEmpty, mailbox.domain?.isEmpty != true else {
            throw AliasFault("\(text.prefix(80).printable): no address")
        }
        return text
    }
}

/// What an aliases file may at most have.
enum AliasLimits {
    /// Bytes of one address.
    static let longestAddress = 900
    /// Bytes of all values of one alias: a record of a cdb is at most 1 MiB.
    static let longestRecord = 768 << 10
    /// Aliases in aliases, or included files in included files.
    static let depth = 50
    static let includeDepth = 8
    /// Addresses that one alias may come to, and their bytes.
    static let members = 20_000
    static let memberBytes = 768 << 10
    /// Files and commands that one alias may come to.
    static let stores = 1000
    /// Bytes of an included file.
    static let includedFile = 4 << 20
}
