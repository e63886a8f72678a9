// NumberedQuery: a query whose named parameters have become numbers, as PostgreSQL wants them.
// PostgreSQL's manual, sections 4.1 (lexical structure) and 34.3 (PQprepare).
// SPDX-License-Identifier: MIT

import MailModel

/// The text of a query with `$1`, `$2`, ... in the order in which its parameters first appear,
/// and which parameters those are. What is in quotes and comments stays as it is.
public struct NumberedQuery: Hashable, Sendable {
    /// The text.
    public private(set) var text: [UInt8] = []
    /// What `$1`, `$2`, ... are.
    public private(set) var parameters: [SQLParameter] = []

    private var rest: ArraySlice<UInt8>

    /// Reads `:local`, `:domain`, `:address`, or their numbers `$1` to `$3`.
    /// - Throws: `SQLError.invalid` for another parameter, a quote or comment without end, a
    ///   second statement, or nothing at all.
    public init(_ query: some Collection<UInt8>) throws(SQLError) {
        rest = Array(query).trimmed
        if rest.last == 0x3B { rest = rest.dropLast() }
        guard !rest.isEmpty else { throw .invalid("the query is empty") }
        while let byte = rest.first { try take(byte) }
        rest = []
    }

    private mutating func take(_ byte: UInt8) throws(SQLError) {
        switch byte {
        case 0x27: try quoted(0x27, escapes: endsInE)
        case 0x22: try quoted(0x22, escapes: false)
        case 0x2D where rest.dropFirst().first == 0x2D:
            copy(rest.prefix { $0 != 0x0A }.count)
        case 0x2F where rest.dropFirst().first == 0x2A: try blockComment()
        case 0x3A: try colon()
        case 0x24: try dollar()
        case 0x3B: throw .invalid("more than one statement")
        case 0: throw .invalid("NUL in a query")
        default: copy(1)
        }
    }

    private mutating func copy(_ count: Int) {
        text += rest.prefix(count)
        rest = rest.dropFirst(count)
    }

    /// `E'..\'..'`, where the E is a word of its own.
    private var endsInE: Bool {
        guard let last = text.last, last | 0x20 == 0x65 else { return false }
        return text.dropLast().last.map { !NumberedQuery.isWord($0) } ?? true
    }

    /// A quoted piece; a doubled quote is two pieces to us, which comes to the same.
    private mutating func quoted(_ quote: UInt8, escapes: Bool) throws(SQLError) {
        var length = 1
        while let byte = rest.dropFirst(length).first {
            length += escapes && byte == 0x5C ? 2 : 1
            guard byte == quote else { continue }
            copy(length)
            return
        }
        throw .invalid("a quote has no end")
    }

    /// `/* ... */`, which may be nested.
    private mutating func blockComment() throws(SQLError) {
        var depth = 0
        repeat {
            let pair = rest.prefix(2)
            guard !pair.isEmpty else { throw .invalid("a comment has no end") }
            if pair.elementsEqual([0x2F, 0x2A]) {
                depth += 1
                copy(2)
            } else if pair.elementsEqual([0x2A, 0x2F]) {
                depth -= 1
                copy(2)
            } else {
                copy(1)
            }
        } while depth > 0
    }

    /// `:name`; `::type` and `[1:2]` are PostgreSQL's own.
    private mutating func colon() throws(SQLError) {
        if rest.dropFirst().first == 0x3A {
            copy(2)
            return
        }
        let word = rest.dropFirst().prefix(while: NumberedQuery.isWord)
        guard let first = word.first, !first.isASCIIDigit else {
            copy(1)
            return
        }
        let name = ":\(String(decoding: word, as: UTF8.self))"
        guard let parameter = SQLParameter(name: name) else {
            throw .invalid("no parameter \(name); there are \(SQLParameter.names)")
        }
        put(parameter, instead: 1 + word.count)
    }

    /// `$1`, or a quoted piece such as `$tag$...$tag$`.
    private mutating func dollar() throws(SQLError) {
        // A name may hold it, but not begin with it.
        if let last = text.last, NumberedQuery.isWord(last) {
            copy(1)
            return
        }
        let digits = rest.dropFirst().prefix(while: \.isASCIIDigit)
        guard digits.isEmpty else {
            guard let parameter = digits.decimalValue.flatMap(SQLParameter.init(rawValue:)) else {
                throw .invalid("no parameter $\(digits.printable); there are $1 to $3")
            }
            put(parameter, instead: 1 + digits.count)
            return
        }
        let word = rest.dropFirst().prefix(while: NumberedQuery.isWord)
        guard rest.dropFirst(1 + word.count).first == 0x24 else {
            copy(1)
            return
        }
        let tag = Array(rest.prefix(word.count + 2))
        var length = tag.count
        while !rest.dropFirst(length).starts(with: tag) {
            guard length < rest.count else { throw .invalid("a quote has no end") }
            length += 1
        }
        copy(length + tag.count)
    }

    private mutating func put(_ parameter: SQLParameter, instead length: Int) {
        rest = rest.dropFirst(length)
        if !parameters.contains(parameter) { parameters.append(parameter) }
        let number = (parameters.firstIndex(of: parameter) ?? 0) + 1
        text += "$\(number)".utf8
        // What follows must not become a part of the number.
        if let next = rest.first, NumberedQuery.isWord(next) { text.append(0x20) }
    }

    private static func isWord(_ byte: UInt8) -> Bool {
        byte.isASCIILetter || byte.isASCIIDigit || byte == 0x5F || byte >= 0x80
    }
}
