// StepFile: reads one file of filters.d: a description, or an executable.
// filters.d(5).
// SPDX-License-Identifier: MIT

import Control
import Glibc
import MailModel
import UnixIO

/// Reads a file into a step. A description with an execute bit is still a description.
struct StepFile {
    /// More than any description has.
    private static let sizeLimit = 65_536

    private let path: String
    private var step: Step
    private var seen: Set<String> = []
    private var line = 0

    /// - Throws: `ChainError` with file and line.
    static func read(_ name: String, in folder: String) throws(ChainError) -> Step {
        let path = "\(folder)/\(name)"
        let contents: [UInt8]
        do {
            // A pipe would be waited for. A binary may be large: its first bytes say what it is.
            let file = try Files.open(path, O_RDONLY | O_NONBLOCK)
            contents = try file.borrowed.bytes(at: 0, count: sizeLimit + 1, path)
        } catch {
            throw .unreadable(error)
        }
        if contents.starts(with: Array("#!".utf8))
            || contents.starts(with: [0x7F, 0x45, 0x4C, 0x46])
        {
            return try executable(name, path)
        }
        guard contents.count <= sizeLimit else {
            throw .invalid(file: path, line: 0, reason: "neither a program nor a description")
        }
        var file = StepFile(path: path, step: Step(name, program: ""))
        try file.describe(contents)
        return file.step
    }

    private init(path: String, step: Step) {
        self.path = path
        self.step = step
    }

    /// A program dropped into the folder: per message, in qmail-qfilter's convention.
    private static func executable(_ name: String, _ path: String) throws(ChainError) -> Step {
        guard access(path, X_OK) == 0 else {
            throw .invalid(file: path, line: 0, reason: "a program without its execute bit")
        }
        var step = Step(name, program: path)
        step.convention = .qfilter
        step.workers = nil
        return step
    }

    private mutating func describe(_ contents: [UInt8]) throws(ChainError) {
        for bytes in contents.split(separator: 0x0A, omittingEmptySubsequences: false) {
            line += 1
            let text = StepFile.uncommented(bytes).trimmed
            if text.isEmpty { continue }
            guard !text.contains(0) else { throw invalid("a NUL byte") }
            let keyword = String(decoding: text.prefix { !$0.isBlank }, as: UTF8.self)
            let value = Array(text.dropFirst(keyword.utf8.count).trimmed)
            guard !value.isEmpty else { throw invalid("\(keyword) needs a value") }
            guard seen.insert(keyword).inserted else { throw invalid("\(keyword) is given twice") }
            try set(keyword, value)
        }
        line = 0
        guard !step.program.isEmpty else { throw invalid("no line \"run PROGRAM\"") }
        try checkWorkers()
    }

    private mutating func set(_ keyword: String, _ value: [UInt8]) throws(ChainError) {
        let text = String(decoding: value, as: UTF8.self)
        switch keyword {
        case "run": try setProgram(value)
        case "stage": step.stage = try choice(text, Stage.self)
        case "convention": step.convention = try choice(text, StepConvention.self)
        case "skip": try setSkip(text)
        case "on-error": step.acceptsOnError = try either(text, "accept", "defer")
        case "mode": step.isObserved = try either(text, "observe", "enforce")
        case "timeout":
            guard let timeout = Quantity.duration(value), timeout > .zero else {
                throw invalid("timeout \(text): not a duration such as 20s or 2m")
            }
            step.timeout = timeout
        case "workers": try setWorkers(text)
        case "report":
            guard text == "failures" else { throw invalid("report \(text): it is failures") }
            step.hearsFailures = true
        default:
            let known = "run, stage, skip, on-error, timeout, workers, convention, report, mode"
            throw invalid("unknown keyword \(keyword); known are \(known)")
        }
    }

    private mutating func setProgram(_ value: [UInt8]) throws(ChainError) {
        guard let words = StepFile.words(value), let name = words.first else {
            throw invalid("a quote is not closed")
        }
        // Whoever runs the chain may do so in any folder.
        guard name.hasPrefix("/") || !name.contains("/") else {
            throw invalid("\(name): a path must begin with /")
        }
        guard let program = Programs.find(name) else {
            throw invalid("\(name): no such program beside this one or in PATH")
        }
        step.program = program
        step.arguments = Array(words.dropFirst())
    }

    private mutating func setSkip(_ text: String) throws(ChainError) {
        for word in text.split(whereSeparator: { $0 == " " || $0 == "\t" }) {
            switch word {
            case "relayed": step.skipsRelayed = true
            case "local": step.skipsLocal = true
            default: throw invalid("skip \(word): it is relayed or local")
            }
        }
    }

    private mutating func setWorkers(_ text: String) throws(ChainError) {
        var words = Array(text.utf8).split(whereSeparator: \.isBlank)
        if words.count == 1 {
            words = words[0].split(separator: 0x2D, omittingEmptySubsequences: false)
        }
        let numbers = words.map { $0.decimalValue ?? -1 }
        if numbers == [0] {
            step.workers = nil
            return
        }
        guard let least = numbers.first, let most = numbers.last, numbers.count <= 2, least >= 1,
            most <= 1000, least <= most
        else { throw invalid("workers \(text): 0, one number, or two from 1 to 1000") }
        step.workers = least...most
    }

    private mutating func checkWorkers() throws(ChainError) {
        guard step.convention != .chain else { return }
        guard !seen.contains("workers") || step.workers == nil else {
            throw invalid("workers: only the convention chain has resident workers")
        }
        guard !step.hearsFailures else {
            throw invalid("report: only the convention chain can tell a step")
        }
        step.workers = nil
    }

    private func choice<Value: RawRepresentable & CaseIterable>(
        _ text: String, _: Value.Type
    ) throws(ChainError) -> Value where Value.RawValue == String {
        guard let value = Value(rawValue: text) else {
            let all = Value.allCases.map(\.rawValue).joined(separator: ", ")
            throw invalid("\(text): it is one of \(all)")
        }
        return value
    }

    private func either(_ text: String, _ yes: String, _ no: String) throws(ChainError) -> Bool {
        guard text == yes || text == no else { throw invalid("\(text): it is \(no) or \(yes)") }
        return text == yes
    }

    private func invalid(_ reason: String) -> ChainError {
        .invalid(file: path, line: line, reason: reason)
    }

    /// A line without its comment, which begins with a `#` at the beginning of a word and outside
    /// of quotes.
    private static func uncommented(_ line: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        var quote: UInt8?
        var previous: UInt8 = 0x20
        for (index, byte) in zip(line.indices, line) {
            if let open = quote {
                if byte == open { quote = nil }
            } else if byte == 0x22 || byte == 0x27 {
                quote = byte
            } else if byte == 0x23, previous.isBlank {
                return line[..<index]
            }
            previous = byte
        }
        return line
    }

    /// Splits at blanks; single and double quotes group, nothing is expanded and no character
    /// escapes. Nil when a quote is not closed.
    static func words(_ text: [UInt8]) -> [String]? {
        var words: [String] = []
        var word: [UInt8]?
        var quote: UInt8?
        for byte in text {
            if let open = quote {
                if byte == open { quote = nil } else { word?.append(byte) }
            } else if byte == 0x22 || byte == 0x27 {
                quote = byte
                word = word ?? []
            } else if byte.isBlank {
                if let whole = word { words.append(String(decoding: whole, as: UTF8.self)) }
                word = nil
            } else {
                word = (word ?? []) + [byte]
            }
        }
        if let whole = word { words.append(String(decoding: whole, as: UTF8.self)) }
        return quote == nil ? words : nil
    }
}
