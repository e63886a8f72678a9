// ZoneFile: reads the lines of a zone file.
// zone-server(8), section ZONE FILE.
// SPDX-License-Identifier: MIT

import MailModel
import Resolver

/// What is wrong with a zone file, and in which line.
struct ZoneFileError: Error, CustomStringConvertible {
    let line: Int
    let reason: String
    var description: String { "\(line): \(reason)" }
}

/// One word of a line, and whether it stood in quotes.
struct Word {
    var bytes: [UInt8] = []
    var isQuoted = false

    var keyword: String { String(decoding: bytes, as: UTF8.self).uppercased() }
}

extension Zone {
    static let defaultTimeToLive: UInt32 = 60

    /// Reads a whole file.
    init(file: [UInt8]) throws(ZoneFileError) {
        self.init()
        for (index, line) in file.split(separator: 0x0A, omittingEmptySubsequences: false)
            .enumerated()
        {
            do throws(Complaint) {
                try add(try Word.words(of: line))
            } catch {
                throw ZoneFileError(line: index + 1, reason: error.reason)
            }
        }
    }

    private mutating func add(_ words: [Word]) throws(Complaint) {
        guard let first = words.first else { return }
        guard let name = DomainName(first.bytes) else { throw Complaint("not a name") }
        var rest = words.dropFirst()
        guard let directive = rest.first?.keyword else { throw Complaint("a name alone") }
        if rest.count == 1, try direct(name, directive) { return }
        var timeToLive = Zone.defaultTimeToLive
        if let number = rest.first?.bytes.decimalValue {
            guard let seconds = UInt32(exactly: number) else { throw Complaint("bad TTL") }
            timeToLive = seconds
            rest = rest.dropFirst()
        }
        if rest.first?.keyword == "IN" { rest = rest.dropFirst() }
        guard let type = rest.popFirst() else { throw Complaint("the type is missing") }
        let (number, data) = try RecordFile.data(type.keyword, Array(rest))
        self[name].items.append(Node.Item(type: number, timeToLive: timeToLive, data: data))
    }

    private mutating func direct(_ name: DomainName, _ word: String) throws(Complaint) -> Bool {
        switch word {
        case "SERVFAIL": self[name].otherwise = .refusal(code: 2)
        case "REFUSED": self[name].otherwise = .refusal(code: 5)
        case "TIMEOUT": self[name].otherwise = .silence
        case "TRUNCATE": self[name].truncates = true
        case "SIGNED": marks[name] = true
        case "UNSIGNED": marks[name] = false
        default: return false
        }
        return true
    }
}

/// A reason without its line.
struct Complaint: Error {
    let reason: String
    init(_ reason: String) { self.reason = reason }
}

extension Word {
    /// Splits a line at blanks. Quotes group; `\DDD` is a byte by its decimal number and `\X` is
    /// X; `;` or `#` begins a comment.
    static func words(of line: ArraySlice<UInt8>) throws(Complaint) -> [Word] {
        var words: [Word] = []
        var word: Word?
        var isInQuotes = false
        var rest = line
        while let byte = rest.popFirst() {
            switch byte {
            case 0x5C: word = (word ?? Word()).adding(try escaped(&rest))
            case 0x22:
                isInQuotes.toggle()
                word = word ?? Word()
                word?.isQuoted = true
            case _ where isInQuotes: word = (word ?? Word()).adding(byte)
            case 0x3B, 0x23: rest = []
            case 0x20, 0x09, 0x0D:
                if let word { words.append(word) }
                word = nil
            default: word = (word ?? Word()).adding(byte)
            }
        }
        guard !isInQuotes else { throw Complaint("a quote is not closed") }
        return words + (word.map { [$0] } ?? [])
    }

    private func adding(_ byte: UInt8) -> Word {
        Word(bytes: bytes + [byte], isQuoted: isQuoted)
    }

    private static func escaped(_ rest: inout ArraySlice<UInt8>) throws(Complaint) -> UInt8 {
        guard let first = rest.first else { throw Complaint("nothing after a backslash") }
        guard first.isASCIIDigit else {
            rest = rest.dropFirst()
            return first
        }
        guard rest.count >= 3, let number = rest.prefix(3).decimalValue,
            let byte = UInt8(exactly: number)
        else { throw Complaint("three digits up to 255 belong after a backslash") }
        rest = rest.dropFirst(3)
        return byte
    }
}
