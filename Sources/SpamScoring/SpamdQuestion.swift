// SpamdQuestion: how spamd is asked, and what it answers.
// Source: SpamAssassin spamd/PROTOCOL.
// SPDX-License-Identifier: MIT

import MailModel

/// `SYMBOLS`: the score and the names of the rules that matched.
public struct SpamdQuestion: SpamQuestion {
    /// Whose settings are to be used; nil for those of everybody.
    private let user: [UInt8]?

    /// A question for a user. What could end the line of a name becomes `_`.
    public init(user: [UInt8]?) { self.user = user?.map { $0.isControl ? 0x5F : $0 } }

    /// spamd reads to the end where a length is wrong.
    public var endsOutput: Bool { true }

    /// The request of version 1.5.
    public func head(length: Int) -> [UInt8] {
        var head = Array("SYMBOLS SPAMC/1.5\r\nContent-length: \(length)\r\n".utf8)
        if let user { head += Array("User: ".utf8) + user + Array("\r\n".utf8) }
        return head + Array("\r\n".utf8)
    }

    /// Reads an answer.
    public func reader() -> any SpamAnswerReader { SpamdReader() }
}

/// The answer to `SYMBOLS`.
private final class SpamdReader: SpamAnswerReader {
    private var bytes: [UInt8] = []

    func take(_ piece: [UInt8]) throws(SpamServerError) -> SpamOpinion? {
        bytes += piece
        guard bytes.count <= SpamdReply.limit else { throw .nonsense("it has no end") }
        return try SpamdReply(bytes, isEnd: false).map(SpamdReader.opinion)
    }

    func end() throws(SpamServerError) -> SpamOpinion {
        guard let reply = try SpamdReply(bytes, isEnd: true) else { throw .cutShort }
        return SpamdReader.opinion(reply)
    }

    private static func opinion(_ reply: SpamdReply) -> SpamOpinion {
        var opinion = reply.opinion
        let names = reply.body.split { $0 == 0x2C || $0 == 0x0D || $0 == 0x0A }
        let symbols = names.prefix(SpamOpinion.symbolLimit).map { SpamOpinion.symbol($0) }
        opinion.symbols = symbols.filter { !$0.isEmpty }
        // What SpamAssassin adds when its time_limit is over.
        opinion.isUnfinished = names.contains {
            $0.trimmed.elementsEqual("TIME_LIMIT_EXCEEDED".utf8)
        }
        return opinion
    }
}

/// `SPAMD/1.1 0 EX_OK`, lines of `Name: value`, an empty line, and a body.
struct SpamdReply {
    /// The most bytes of a reply.
    static let limit = 65_536

    let opinion: SpamOpinion
    let body: ArraySlice<UInt8>

    /// - Returns: nil while more must come.
    init?(_ bytes: [UInt8], isEnd: Bool) throws(SpamServerError) {
        let (lines, end) = SpamdReply.lines(bytes)
        // Some refusals are one line without an empty line after it.
        if let first = lines.first { try SpamdReply.checkStatus(first) }
        guard let end else { return nil }
        var fields: [[UInt8]: ArraySlice<UInt8>] = [:]
        for line in lines.dropFirst() {
            guard let colon = line.firstIndex(of: 0x3A) else {
                throw .nonsense(line.prefix(80).printable)
            }
            let name = line[..<colon].trimmed.asciiLowercased
            guard fields.updateValue(line[(colon + 1)...].trimmed, forKey: name) == nil else {
                throw .nonsense("twice \(name.printable)")
            }
        }
        body = bytes[end...]
        if let length = fields[Array("content-length".utf8)] {
            guard let count = length.decimalValue, body.count <= count else {
                throw .nonsense("Content-length \(length.prefix(80).printable)")
            }
            guard body.count == count else { return nil }
        } else if !isEnd {
            return nil
        }
        guard let spam = fields[Array("spam".utf8)], let opinion = SpamdReply.opinion(spam) else {
            throw .nonsense("no score")
        }
        self.opinion = opinion
    }

    /// The lines before the empty one that have their end, and where the body begins.
    private static func lines(_ bytes: [UInt8]) -> ([ArraySlice<UInt8>], end: Int?) {
        var lines: [ArraySlice<UInt8>] = []
        var rest = bytes[...]
        while let feed = rest.firstIndex(of: 0x0A) {
            var line = rest[..<feed]
            rest = rest[(feed + 1)...]
            if line.last == 0x0D { line.removeLast() }
            if line.isEmpty { return (lines, rest.startIndex) }
            lines.append(line)
        }
        return (lines, nil)
    }

    /// `SPAMD/VERSION CODE WORDS`; every code but 0 is a refusal.
    private static func checkStatus(_ line: ArraySlice<UInt8>) throws(SpamServerError) {
        let words = line.split(separator: 0x20, maxSplits: 2)
        guard words.count >= 2, words[0].starts(with: "SPAMD/".utf8),
            let code = words[1].decimalValue
        else { throw .nonsense(line.prefix(80).printable) }
        guard code == 0 else { throw .refused(line.prefix(200).printable) }
    }

    /// `True ; 15.0 / 5.0`. Where word and numbers contradict each other, it is spam.
    private static func opinion(_ value: ArraySlice<UInt8>) -> SpamOpinion? {
        let parts = value.split(separator: 0x3B, omittingEmptySubsequences: false)
        guard parts.count == 2 else { return nil }
        let word = parts[0].trimmed.asciiLowercased
        let isTrue = [Array("true".utf8), Array("yes".utf8)].contains(word)
        guard isTrue || [Array("false".utf8), Array("no".utf8)].contains(word) else { return nil }
        let numbers = parts[1].split(separator: 0x2F, omittingEmptySubsequences: false)
        guard numbers.count == 2, let score = Score.read(numbers[0].trimmed),
            let required = Score.read(numbers[1].trimmed)
        else { return nil }
        return SpamOpinion(score: score, required: required, isSpam: isTrue || score >= required)
    }
}
