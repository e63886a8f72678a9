// Limit+Words: reading `KEY UNIT RATE [except LIST] ACTION [text]`.
// throttle-limits(5).
// SPDX-License-Identifier: MIT

import Control
import Counters
import MailModel

/// What is wrong with a line; the reader adds where it is.
struct LineError: Error {
    let text: String

    init(_ text: String) { self.text = text }

    /// A word that is none of those that are known.
    init(_ word: String, isNot form: String, known: [String] = []) {
        let near = Usage.nearest(to: word, among: known)
        let hint = near.isEmpty ? "" : "; did you mean \(near.joined(separator: " or "))?"
        text = "'\(word)' is not \(form)\(hint)"
    }
}

extension Limit {
    private static let actions = ["defer", "reject", "delay", "spamthrottle", "log"]
    private static let units = LimitUnit.allCases.map(\.rawValue)

    /// Reads a limit.
    /// - Throws: `LineError` that says which word is wrong, `ControlError` for a list of exceptions.
    init(_ line: String) throws {
        var words = line.split(whereSeparator: \.isBlank).map(String.init)[...]
        guard words.count >= 4 else {
            throw LineError("not KEY UNIT RATE [except LIST] ACTION [text]")
        }
        let keyWord = words.removeFirst()
        guard let key = LimitKey(keyWord) else {
            throw LineError(keyWord, isNot: "a key", known: LimitKey.allNames)
        }
        let unitWord = words.removeFirst()
        guard let unit = LimitUnit(rawValue: unitWord) else {
            throw LineError(unitWord, isNot: "a unit", known: Limit.units)
        }
        let rateWord = words.removeFirst()
        guard let rate = Rate(Array(rateWord.utf8)) else {
            throw LineError(rateWord, isNot: "a rate such as 30/1m, 100M/1h or 30/1m/5")
        }
        var exceptions = Exceptions()
        if words.first == "except" {
            words.removeFirst()
            guard let list = words.popFirst() else { throw LineError("nothing follows except") }
            try exceptions.add(list)
        }
        self.key = key
        self.unit = unit
        self.rate = rate
        self.exceptions = exceptions
        action = try Limit.action(&words)
        guard words.isEmpty || action.refuses else {
            throw LineError(words.joined(separator: " "), isNot: "needed: nobody is told")
        }
        text =
            words.isEmpty
            ? "too many \(unit.rawValue), try again later" : words.joined(separator: " ")
        name = "\(keyWord) \(unit.rawValue) \(rate)"
        prefix = CounterName(name, []).bytes
    }

    private static func action(_ words: inout ArraySlice<String>) throws(LineError) -> LimitAction {
        guard let word = words.popFirst() else { throw LineError("no action") }
        switch word {
        case "defer": return .defer
        case "reject": return .reject
        case "log": return .log
        case "delay": return .delay(.milliseconds(Int64(try time(&words, "a delay"))))
        case "spamthrottle":
            let step = try time(&words, "a step")
            let most = try time(&words, "a longest wait")
            guard step <= most else { throw LineError("the step is longer than the longest wait") }
            return .spamthrottle(step: step, most: most)
        default: throw LineError(word, isNot: "an action", known: actions)
        }
    }

    private static func time(
        _ words: inout ArraySlice<String>, _ what: String
    ) throws(LineError) -> UInt64 {
        let word = words.popFirst() ?? ""
        guard let time = Quantity.duration(word), time > .zero, time <= .seconds(600) else {
            throw LineError(word, isNot: "\(what) of at most 10m, such as 5s")
        }
        return UInt64(time.milliseconds)
    }
}

extension Character {
    /// A blank or a tab.
    fileprivate var isBlank: Bool { self == " " || self == "\t" }
}
