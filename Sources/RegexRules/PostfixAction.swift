// PostfixAction: what a rule of a Postfix table does with the line that it matches.
// header_checks(5), section ACTIONS.
// SPDX-License-Identifier: MIT

import MailModel
import Patterns

/// What a table is held against.
enum PostfixTableKind: String, Sendable {
    case header
    case body
}

/// The right side of a rule.
enum PostfixAction: Hashable {
    /// The status is nil where the text says nothing of one.
    case reject(EnhancedStatus?, Template)
    case discard(Template)
    case pass(Template)
    case hold(Template)
    case warn(Template)
    case info(Template)
    case redirect(Template)
    case bcc(Template)
    case prepend(Template)
    case replace(Template)
    case strip(Template)
    case ignore
    case dunno

    private static let known = [
        "REJECT", "DISCARD", "PASS", "HOLD", "WARN", "INFO", "REDIRECT", "BCC", "PREPEND",
        "REPLACE", "STRIP", "IGNORE", "DUNNO", "OK",
    ]

    /// The word, as Postfix writes it.
    var word: String {
        switch self {
        case .reject: "REJECT"
        case .discard: "DISCARD"
        case .pass: "PASS"
        case .hold: "HOLD"
        case .warn: "WARN"
        case .info: "INFO"
        case .redirect: "REDIRECT"
        case .bcc: "BCC"
        case .prepend: "PREPEND"
        case .replace: "REPLACE"
        case .strip: "STRIP"
        case .ignore: "IGNORE"
        case .dunno: "DUNNO"
        }
    }

    /// What follows the word.
    var text: Template? {
        switch self {
        case .reject(_, let text), .discard(let text), .pass(let text), .hold(let text),
            .warn(let text), .info(let text), .redirect(let text), .bcc(let text),
            .prepend(let text), .replace(let text), .strip(let text):
            text
        case .ignore, .dunno: nil
        }
    }

    /// Reads the right side of a rule.
    /// - Throws: `RuleError` for what Postfix would only warn of when the rule matches.
    init(
        _ action: ArraySlice<UInt8>, _ kind: PostfixTableKind, for pattern: Pattern, negated: Bool
    ) throws(RuleError) {
        let word = action.prefix { !$0.isBlank }
        guard !word.isEmpty else { throw RuleError("an action must follow the pattern") }
        var rest = action.dropFirst(word.count).trimmed
        let name = String(decoding: word.map { $0 & 0xC0 == 0x40 ? $0 & 0xDF : $0 }, as: UTF8.self)
        var status: EnhancedStatus?
        if name == "REJECT" { status = try PostfixAction.status(&rest) }
        let text = try Template(postfix: rest, for: pattern, negated: negated)
        switch name {
        case "REJECT": self = .reject(status, text)
        case "DISCARD": self = .discard(text)
        case "PASS": self = .pass(text)
        case "HOLD": self = .hold(text)
        case "WARN": self = .warn(text)
        case "INFO": self = .info(text)
        case "REDIRECT": self = .redirect(try PostfixAction.address(text, name))
        case "BCC": self = .bcc(try PostfixAction.address(text, name))
        case "PREPEND": self = .prepend(try PostfixAction.line(text, kind, name))
        case "REPLACE": self = .replace(try PostfixAction.line(text, kind, name))
        case "STRIP": self = .strip(text)
        case "IGNORE": self = .ignore
        case "DUNNO", "OK": self = .dunno
        case "FILTER":
            throw RuleError(
                "FILTER chooses one of Postfix's transports; here a filter is a step of the chain")
        default: throw RuleError(unknown: word, of: "action", PostfixAction.known)
        }
    }

    /// Takes a status off the front of a text.
    private static func status(
        _ rest: inout ArraySlice<UInt8>
    ) throws(RuleError) -> EnhancedStatus? {
        let word = rest.prefix { !$0.isBlank }
        guard let status = EnhancedStatus(word) else { return nil }
        guard status.statusClass != 2 else {
            throw RuleError("the status \(status) must begin with 4 or 5")
        }
        rest = rest.dropFirst(word.count).trimmed
        return status
    }

    private static func address(_ text: Template, _ name: String) throws(RuleError) -> Template {
        guard let fixed = text.fixed else { return text }
        guard PostfixAction.mailbox(fixed) != nil else {
            throw RuleError("\(name) needs user@domain")
        }
        return text
    }

    /// An address with a domain, in angle brackets or without.
    static func mailbox(_ text: [UInt8]) -> Mailbox? {
        var text = text[...].trimmed
        if text.first == 0x3C, text.last == 0x3E { text = text.dropFirst().dropLast() }
        guard !text.contains(where: { $0.isBlank || $0.isControl }),
            let mailbox = try? Mailbox(text), mailbox.domain?.isEmpty == false
        else { return nil }
        return mailbox
    }

    private static func line(
        _ text: Template, _ kind: PostfixTableKind, _ name: String
    ) throws(RuleError) -> Template {
        guard !text.isEmpty else { throw RuleError("\(name) needs a text") }
        guard kind == .header, let fixed = text.fixed else { return text }
        guard HeaderField(line: fixed) != nil else {
            throw RuleError("\(name) needs NAME: value in a table for headers")
        }
        return text
    }
}
