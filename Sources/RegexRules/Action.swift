// Action: what a rule does when it applies.
// regex-rules(5), section ACTIONS.
// SPDX-License-Identifier: MIT

import MailModel
import Patterns

/// The second half of a rule.
enum Action: Hashable {
    case reject(code: UInt16, EnhancedStatus, Template)
    case `defer`(code: UInt16, EnhancedStatus, Template)
    case discard
    case accept
    case tag(name: [UInt8], Template)
    case remove(name: [UInt8])
    case redirect(Mailbox)
    case add(Mailbox)
    case log(Template)

    /// The words that would do, for an error.
    static let known = [
        "reject", "defer", "discard", "accept", "tag", "remove", "redirect", "add", "log",
    ]

    /// The word.
    var word: String {
        switch self {
        case .reject: "reject"
        case .defer: "defer"
        case .discard: "discard"
        case .accept: "accept"
        case .tag: "tag"
        case .remove: "remove"
        case .redirect: "redirect"
        case .add: "add"
        case .log: "log"
        }
    }

    /// Reads an action and what follows it.
    /// - Throws: `RuleError`.
    init(
        _ word: ArraySlice<UInt8>, _ text: ArraySlice<UInt8>, _ pattern: Pattern, negated: Bool
    ) throws(RuleError) {
        let template = { (text: ArraySlice<UInt8>) throws(RuleError) in
            try Template(text, for: pattern, negated: negated)
        }
        switch String(decoding: word, as: UTF8.self) {
        case "reject":
            let (code, status, rest) = try Action.reply(text, 550, EnhancedStatus(5, 7, 1))
            self = .reject(code: code, status, try template(rest))
        case "defer":
            let (code, status, rest) = try Action.reply(text, 451, EnhancedStatus(4, 7, 1))
            self = .defer(code: code, status, try template(rest))
        case "discard": self = .discard
        case "accept": self = .accept
        case "tag":
            let (name, value) = try Action.field(text)
            self = .tag(name: name, try template(value))
        case "remove":
            guard HeaderField.isName(text) else { throw RuleError("remove needs a field name") }
            self = .remove(name: Array(text))
        case "redirect": self = .redirect(try Action.mailbox(text))
        case "add": self = .add(try Action.mailbox(text))
        case "log": self = .log(try template(text))
        default: throw RuleError(unknown: word, of: "action", Action.known)
        }
    }

    /// Takes `CODE STATUS` off the front of a text, both optional.
    private static func reply(
        _ text: ArraySlice<UInt8>, _ defaultCode: UInt16, _ defaultStatus: EnhancedStatus
    ) throws(RuleError) -> (UInt16, EnhancedStatus, ArraySlice<UInt8>) {
        let digit = Int(defaultCode / 100)
        var (code, status, rest) = (Int(defaultCode), defaultStatus, text)
        let first = rest.prefix { !$0.isBlank }
        if first.count == 3, let number = first.decimalValue {
            guard number / 100 == digit else {
                throw RuleError("the code \(number) must begin with \(digit)")
            }
            code = number
            rest = rest.dropFirst(3).trimmed
        }
        let second = rest.prefix { !$0.isBlank }
        if let given = EnhancedStatus(second) {
            guard Int(given.statusClass) == digit else {
                throw RuleError("the status \(given) must begin with \(digit)")
            }
            status = given
            rest = rest.dropFirst(second.count).trimmed
        }
        return (UInt16(code), status, rest)
    }

    private static func field(
        _ text: ArraySlice<UInt8>
    ) throws(RuleError) -> (name: [UInt8], value: ArraySlice<UInt8>) {
        guard let colon = text.firstIndex(of: 0x3A), HeaderField.isName(text[..<colon]) else {
            throw RuleError("tag needs NAME: value")
        }
        return (Array(text[..<colon]), text[(colon + 1)...].trimmed)
    }

    private static func mailbox(_ text: ArraySlice<UInt8>) throws(RuleError) -> Mailbox {
        guard let mailbox = try? Mailbox(text), mailbox.domain?.isEmpty == false,
            !text.contains(where: { $0.isBlank || $0.isControl })
        else { throw RuleError("\(text.printable) is not a mailbox with a domain") }
        return mailbox
    }
}
