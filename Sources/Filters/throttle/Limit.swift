// Limit: one line of what is allowed, and what follows when it is exceeded.
// throttle(8), section LIMITS.
// SPDX-License-Identifier: MIT

import Control
import Counters
import FilterKit
import MailModel

/// What is done with a request over a limit.
enum LimitAction: Hashable, Sendable {
    case `defer`
    case reject
    case delay(Duration)
    case log

    /// True when the request does not pass.
    var refuses: Bool { self == .defer || self == .reject }
}

/// `KEY UNIT RATE ACTION [text]`.
struct Limit: Hashable, Sendable {
    let key: LimitKey
    let unit: LimitUnit
    let rate: Rate
    let action: LimitAction
    /// What a refused client is told.
    let text: String
    /// Key, unit and rate in one form: two limits that agree in these share their counters.
    let name: String

    /// Reads a limit.
    /// - Throws: `UsageError` that says which word is wrong.
    init(_ line: String) throws(UsageError) {
        var words = line.split(separator: " ", omittingEmptySubsequences: true)[...]
        guard words.count >= 4 else {
            throw UsageError("--limit '\(line)': not KEY UNIT RATE ACTION [text]")
        }
        let (keyWord, unitWord) = (String(words.removeFirst()), String(words.removeFirst()))
        let (rateWord, actionWord) = (String(words.removeFirst()), words.removeFirst())
        guard let key = LimitKey(keyWord) else { throw Limit.wrong(line, keyWord, "a key") }
        guard let unit = LimitUnit(rawValue: unitWord) else {
            throw Limit.wrong(line, unitWord, "a unit")
        }
        guard let rate = Rate(Array(rateWord.utf8)) else {
            throw Limit.wrong(line, rateWord, "a rate such as 30/1m, 100M/1h or 30/1m/5")
        }
        switch actionWord {
        case "defer": action = .defer
        case "reject": action = .reject
        case "log": action = .log
        case "delay": action = try Limit.delay(line, words.popFirst())
        default: throw Limit.wrong(line, String(actionWord), "an action")
        }
        guard words.isEmpty || action.refuses else {
            throw Limit.wrong(line, words.joined(separator: " "), "needed: nobody is told")
        }
        self.key = key
        self.unit = unit
        self.rate = rate
        text =
            words.isEmpty
            ? "too many \(unit.rawValue), try again later"
            : words.joined(separator: " ")
        name = "\(keyWord) \(unit.rawValue) \(rate)"
    }

    /// What a request takes from this limit: one charge for each value of its key.
    func charges(_ request: borrowing Request) -> [Charge] {
        let amount = unit.amount(of: request, isPerRecipient: key.isPerRecipient)
        guard amount > 0 else { return [] }
        return key.values(of: request).map { value in
            Charge(Array("\(name)\0".utf8) + value, rate, units: amount, refuses: action.refuses)
        }
    }

    /// The verdict on a request over this limit; nil when it passes all the same.
    var refusal: Verdict? {
        switch action {
        case .defer: .defer(EnhancedStatus(4, 7, 1), text)
        case .reject: .reject(EnhancedStatus(5, 7, 1), text)
        case .delay, .log: nil
        }
    }

    private static func delay(_ line: String, _ word: Substring?) throws(UsageError) -> LimitAction
    {
        guard let word, let time = Quantity.duration(String(word)), time > .zero,
            time <= .seconds(600)
        else { throw wrong(line, String(word ?? ""), "a delay of at most 10m, such as 5s") }
        return .delay(time)
    }

    private static func wrong(_ line: String, _ word: String, _ form: String) -> UsageError {
        UsageError("--limit '\(line)': '\(word)' is not \(form)")
    }
}
