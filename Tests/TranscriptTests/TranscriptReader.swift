// TranscriptReader: the text of a transcript.
// Tests/Transcripts/README.md.
// SPDX-License-Identifier: MIT

import Foundation
import MailModel
import TestSupport

/// Reads a file of cases.
struct TranscriptReader {
    private typealias Block = WritableKeyPath<TranscriptCase, [UInt8]?>

    private let tool: String
    private let file: String
    private var cases: [TranscriptCase] = []
    private var lineNumber = 0
    /// The block that lines with a mark at their beginning are added to.
    private var block: Block?

    private init(tool: String, file: String) {
        self.tool = tool
        self.file = file
    }

    /// Every case of a transcript.
    /// - Throws: `TestFailure` with file and line.
    static func cases(in path: String, tool: String) throws -> [TranscriptCase] {
        let name = (path as NSString).lastPathComponent
        var reader = TranscriptReader(tool: tool, file: "\(tool)/\(name)")
        let bytes = Array(try Data(contentsOf: URL(fileURLWithPath: path)))
        for line in bytes.split(separator: 0x0A, omittingEmptySubsequences: false) {
            reader.lineNumber += 1
            try reader.read(String(decoding: line, as: UTF8.self))
        }
        for one in reader.cases where one.steps.allSatisfy(\.expectsNothing) {
            throw TestFailure("\(one.place): this case expects nothing")
        }
        return reader.cases
    }

    private mutating func read(_ line: String) throws {
        if try readBlockLine(line) { return }
        guard !line.isEmpty, !line.hasPrefix("#") else { return }
        let parts = line.split(separator: " ", maxSplits: 1).map(String.init)
        let (word, rest) = (parts[0], parts.count > 1 ? parts[1] : "")
        if word == "==" {
            block = nil
            guard !rest.isEmpty else { throw failure("a case needs a title") }
            cases.append(
                TranscriptCase(
                    tool: tool, place: "\(file):\(lineNumber)", title: rest, steps: [Step()]))
            return
        }
        guard !cases.isEmpty else { throw failure("a case begins with == and a title") }
        var one = cases[cases.count - 1]
        block = try take(word, rest, into: &one)
        cases[cases.count - 1] = one
    }

    /// Takes a line.
    /// - Returns: the block that it begins; nil for a line that begins none.
    private func take(
        _ word: String, _ rest: String, into one: inout TranscriptCase
    ) throws -> Block? {
        let last = one.steps.count - 1
        switch word {
        case "then": one.steps.append(one.steps[last].inputs)
        case "conventions": one.ways = try ways(rest)
        case "service": one.services.append(try words(of: rest))
        case "file":
            one.files.append((rest, []))
            return \.lastFile
        case "cdb":
            one.databases.append((rest, []))
            return \.lastDatabase
        case "zone":
            one.zone = []
            return \.zone
        default:
            if try takeInput(word, rest, into: &one.steps[last]) { return nil }
            if try takeExpectation(word, rest, into: &one.steps[last]) { return nil }
            return try block(word, &one)
        }
        return nil
    }

    /// Takes a line about what a step is given.
    /// - Returns: false for any other line.
    private func takeInput(_ word: String, _ rest: String, into step: inout Step) throws -> Bool {
        switch word {
        case "options": step.options = try words(of: rest)
        case "environment":
            let pair = rest.split(separator: "=", maxSplits: 1).map(String.init)
            guard let name = pair.first else { throw failure("environment needs NAME=VALUE") }
            step.environment[name] = pair.count > 1 ? pair[1] : ""
        case "fact":
            let (name, value) = try fact(rest)
            step.facts.removeAll { $0.name == name }
            step.facts.append((name, value))
        case "stage":
            guard let stage = Stage(rawValue: rest) else { throw failure("no stage \(rest)") }
            step.stage = stage
        case "sender": step.sender = rest
        case "recipient": step.add(recipient: rest)
        default: return false
        }
        return true
    }

    /// Takes a line about what must come of a step.
    /// - Returns: false for any other line.
    private func takeExpectation(
        _ word: String, _ rest: String, into step: inout Step
    ) throws -> Bool {
        switch word {
        case "verdict":
            guard ["accept", "reject", "defer", "discard"].contains(rest) else {
                throw failure("no verdict \(rest)")
            }
            step.verdict = rest
        case "reply": step.reply = rest
        case "exit":
            guard let code = Int32(rest) else { throw failure("exit needs a number") }
            step.exit = code
        case "new-sender": step.newSender = rest
        case "new-recipient": step.newRecipients.append(rest)
        default: return false
        }
        return true
    }

    private func ways(_ text: String) throws -> [Way] {
        try text.split(separator: " ").map(String.init).flatMap { word in
            guard let ways = Way.named(word) else { throw failure("no convention \(word)") }
            return ways
        }
    }

    private func block(_ word: String, _ one: inout TranscriptCase) throws -> Block {
        let path: Block
        switch word {
        case "message": path = \.lastStep.messageBlock
        case "envelope": path = \.lastStep.envelope
        case "output": path = \.lastStep.output
        case "errors": path = \.lastStep.errors
        case "explain": path = \.lastStep.explain
        default: throw failure("no keyword \(word)")
        }
        one[keyPath: path] = []
        return path
    }

    /// A line of a block: `| text`, `: text with \escapes and no line end`, each with `*COUNT`
    /// before it to repeat it.
    /// - Returns: false for a line that is none.
    private mutating func readBlockLine(_ line: String) throws -> Bool {
        var count = 1
        var line = line[...]
        if line.hasPrefix("*"), let mark = line.firstIndex(where: { $0 == "|" || $0 == ":" }) {
            guard let number = Int(line[line.index(after: line.startIndex)..<mark]) else {
                throw failure("* needs a number and | or :")
            }
            count = number
            line = line[mark...]
        }
        guard let mark = line.first, mark == "|" || mark == ":" else { return false }
        guard let block else { throw failure("this line belongs to no block") }
        var text = line.dropFirst()
        if text.first == " " { text = text.dropFirst() }
        let bytes = mark == "|" ? Array(text.utf8) + [0x0A] : try unescaped(Array(text.utf8))
        let index = cases.count - 1
        var all = cases[index][keyPath: block] ?? []
        for _ in 0..<count { all += bytes }
        cases[index][keyPath: block] = all
        return true
    }

    private func unescaped(_ text: [UInt8]) throws -> [UInt8] {
        var result: [UInt8] = []
        var rest = text[...]
        while let byte = rest.popFirst() {
            guard byte == 0x5C else {
                result.append(byte)
                continue
            }
            switch rest.popFirst() {
            case 0x6E: result.append(0x0A)
            case 0x72: result.append(0x0D)
            case 0x74: result.append(0x09)
            case 0x30: result.append(0)
            case 0x5C: result.append(0x5C)
            case 0x78:
                guard let byte = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16)
                else { throw failure("\\x needs two hexadecimal digits") }
                result.append(byte)
                rest = rest.dropFirst(2)
            default: throw failure("after \\ comes n, r, t, 0, \\ or xNN")
            }
        }
        return result
    }

    private func fact(_ text: String) throws -> (FactName, String) {
        let pair = text.split(separator: " ", maxSplits: 1).map(String.init)
        guard let name = pair.first.flatMap(FactName.init(rawValue:)) else {
            throw failure("no fact \(text)")
        }
        return (name, pair.count > 1 ? pair[1] : "")
    }

    /// Words divided by blanks; single and double quotes group.
    private func words(of text: String) throws -> [String] {
        var words: [String] = []
        var word: String?
        var quote: Character?
        for character in text {
            switch (quote, character) {
            case (nil, " "):
                word.map { words.append($0) }
                word = nil
            case (nil, "'"), (nil, "\""):
                quote = character
                word = word ?? ""
            case (character, _): quote = nil
            default: word = (word ?? "") + String(character)
            }
        }
        guard quote == nil else { throw failure("a quote has no end") }
        return words + [word].compactMap(\.self)
    }

    private func failure(_ text: String) -> TestFailure {
        TestFailure("Tests/Transcripts/\(file):\(lineNumber): \(text)")
    }
}

extension TranscriptCase {
    fileprivate var lastFile: [UInt8]? {
        get { files.last?.bytes }
        set { files[files.count - 1].bytes = newValue ?? [] }
    }

    fileprivate var lastDatabase: [UInt8]? {
        get { databases.last?.lines }
        set { databases[databases.count - 1].lines = newValue ?? [] }
    }

    fileprivate var lastStep: Step {
        get { steps[steps.count - 1] }
        set { steps[steps.count - 1] = newValue }
    }
}

extension Step {
    fileprivate var messageBlock: [UInt8]? {
        get { message }
        set { message = newValue ?? [] }
    }

    /// The step without what it expects.
    fileprivate var inputs: Step {
        var step = self
        (step.verdict, step.reply, step.exit) = (nil, nil, nil)
        (step.output, step.errors, step.explain) = (nil, nil, nil)
        (step.newSender, step.newRecipients) = (nil, [])
        step.inheritsRecipients = true
        return step
    }

    fileprivate var expectsNothing: Bool { verdict == nil && exit == nil }
}
