// RuleRun: the rules over one request.
// regex-rules(5).
// SPDX-License-Identifier: MIT

import FilterKit
import MailModel
import Patterns
import UnixIO

/// Applies rules one after the other and remembers what they did.
struct RuleRun {
    /// What was over a limit was not judged, and padding is no way past a rule.
    static let notKnown = Verdict.defer(
        EnhancedStatus(4, 7, 1), "this message is too large or too complex to be judged")

    /// What the rules so far ask for.
    private(set) var edits: [Edit] = []
    private let request: Request
    private let matcher: Matcher
    private let deadline: Deadline
    private var subjects: Subjects
    private var matched: [JSON] = []
    private var places: [String] = []
    private var notes: [String] = []

    init(_ request: Request, _ subjects: Subjects, _ matcher: Matcher, deadline: Deadline) {
        self.request = request
        self.subjects = subjects
        self.matcher = matcher
        self.deadline = deadline
    }

    /// Applies a rule.
    /// - Returns: the verdict, when the rule ends the judging.
    /// - Throws: `FilterError`; anything else means that a limit ran out.
    mutating func apply(_ rule: Rule) throws -> Verdict? {
        guard !deadline.hasPassed else { throw LimitError("the time limit ran out") }
        guard let all = try subjects.of(rule.scope) else { return nil }
        for subject in all {
            guard let match = try matcher.match(rule.pattern, subject, deadline: deadline) else {
                continue
            }
            return rule.isNegated ? nil : act(rule, subject, match)
        }
        return rule.isNegated ? act(rule, [], nil) : nil
    }

    private mutating func act(_ rule: Rule, _ subject: [UInt8], _ match: Match?) -> Verdict? {
        note(rule, subject, match)
        switch rule.action {
        case .reject(let code, let status, let text):
            return .reject(reply(code, status, text.filled(subject, match)))
        case .defer(let code, let status, let text):
            return .defer(reply(code, status, text.filled(subject, match)))
        case .discard: return .discard
        case .accept: return .accept(edits)
        case .tag(let name, let text):
            if let field = HeaderField(name, text.filled(subject, match)) {
                edits.append(.prepend(field))
            }
        case .remove(let name): edits.append(.remove(name: name))
        case .redirect(let mailbox): redirect(to: mailbox)
        case .add(let mailbox): edits.append(.addRecipient(mailbox))
        case .log(let text):
            let words = text.filled(subject, match)
            if !words.isEmpty { notes.append(words.printable) }
        }
        return nil
    }

    /// Everybody whom the message was for, rules before this one included, gives way to one.
    private mutating func redirect(to mailbox: Mailbox) {
        guard let envelope = request.envelope else { return }
        var seen: Set<Mailbox> = []
        for recipient in edits.applied(to: envelope).recipients
        where seen.insert(recipient).inserted {
            edits.append(.removeRecipient(recipient))
        }
        edits.append(.addRecipient(mailbox))
    }

    /// A reply is ASCII to every client; captures are whatever somebody sent.
    private func reply(_ code: UInt16, _ status: EnhancedStatus, _ text: [UInt8]) -> Reply {
        let words = text.isEmpty ? Array("refused by the rules of this site".utf8) : text
        return Reply(code, status, words.map { $0 < 0x80 ? $0 : 0x3F }.printable)
    }

    private mutating func note(_ rule: Rule, _ subject: [UInt8], _ match: Match?) {
        places.append(rule.place)
        var members = [
            JSON.Member("rule", .text(rule.place)), JSON.Member("action", .text(rule.action.word)),
        ]
        if let range = match?.ranges.first ?? nil, range.upperBound <= subject.count {
            members.append(JSON.Member("match", .bytes(subject[range].prefix(200))))
        }
        matched.append(.object(members))
    }

    /// Remembers that a rule could not be judged.
    mutating func note(_ rule: Rule, limit: String) {
        places.append(rule.place)
        matched.append(
            .object([JSON.Member("rule", .text(rule.place)), JSON.Member("limit", .text(limit))]))
        notes.append("\(rule.place): \(limit)")
    }

    /// Writes down what the rules did.
    func tell(_ evidence: inout Evidence) {
        evidence["matched"] = .list(matched)
        if !places.isEmpty { evidence.log("rules", places.joined(separator: " ")) }
        if !notes.isEmpty { evidence.log("note", notes.joined(separator: "; ")) }
    }
}
