// Findings: what the rules of all kinds found and ask for.
// regex-filter(8), section DESCRIPTION.
// SPDX-License-Identifier: MIT

import FilterKit
import MailModel
import Patterns

/// Gathers what rules did to one request.
struct Findings {
    /// A rule that applied, or that could not be judged.
    private struct Note {
        let place: String
        var members: [JSON.Member]
    }

    /// Rules can apply to every line of a message: after so many, the others are only counted.
    static let mostNotes = 100
    /// What was over a limit was not judged, and padding is no way past a rule.
    static let notKnown = Verdict.defer(
        EnhancedStatus(4, 7, 1), "this message is too large or too complex to be judged")

    /// What the rules so far ask for.
    var edits: [Edit] = []
    /// True with `--on-limit skip`.
    let skipsUnknown: Bool
    /// Lines of `--test`; nil without it.
    private(set) var report: [String]?

    private let request: Request
    private var noted: [Note] = []
    private var words: [String] = []
    private var count = 0
    /// Something was over a limit.
    private var isUnknown = false
    /// What was over a limit could have ended the judging in another way than by refusing.
    private var mayHavePassed = false

    init(_ request: Request, skipsUnknown: Bool, isTest: Bool) {
        self.request = request
        self.skipsUnknown = skipsUnknown
        report = isTest ? [] : nil
    }

    /// True with `--test`, where the rules after one that ends the judging are tried too.
    var isTest: Bool { report != nil }

    /// Remembers that a rule applied.
    mutating func add(
        _ place: String, _ action: String, _ subject: some Collection<UInt8>, _ range: Range<Int>?,
        scope: String, does: @autoclosure () -> String
    ) {
        if isTest {
            let excerpt = subject.prefix(72).printable
            let rest = subject.count > 72 ? "..." : ""
            report?.append("\(place): \(scope) \"\(excerpt)\(rest)\": \(does())")
        }
        count += 1
        guard noted.count < Findings.mostNotes else { return }
        var members = [JSON.Member("rule", .text(place)), JSON.Member("action", .text(action))]
        if let range, range.upperBound <= subject.count {
            let match = subject.dropFirst(range.lowerBound).prefix(range.count)
            members.append(JSON.Member("match", .bytes(match.prefix(200))))
        }
        noted.append(Note(place: place, members: members))
    }

    /// Remembers words for the log.
    mutating func say(_ text: String) {
        if words.count < Findings.mostNotes, !text.isEmpty { words.append(text) }
    }

    /// Remembers that something could not be judged. `refuses` says that all it could have done
    /// is to reject.
    mutating func add(unknown place: String, _ reason: String, refuses: Bool) {
        isUnknown = true
        mayHavePassed = mayHavePassed || !refuses
        report?.append("\(place): not judged: \(reason)")
        count += 1
        guard noted.count < Findings.mostNotes else { return }
        noted.append(
            Note(
                place: place,
                members: [JSON.Member("rule", .text(place)), JSON.Member("limit", .text(reason))]))
        say("\(place): \(reason)")
    }

    /// Everybody whom the message was for, rules before this one included, gives way to one.
    mutating func redirect(to mailbox: Mailbox) {
        guard let envelope = request.envelope else { return }
        var seen: Set<Mailbox> = []
        for recipient in edits.applied(to: envelope).recipients
        where seen.insert(recipient).inserted {
            edits.append(.removeRecipient(recipient))
        }
        edits.append(.addRecipient(mailbox))
    }

    /// The verdict when rules ended with this one: what was not judged may change it.
    func settled(_ verdict: Verdict) -> Verdict {
        guard isUnknown, !skipsUnknown else { return verdict }
        switch verdict {
        case .reject where !mayHavePassed: return verdict
        case .defer: return verdict
        case .reject, .accept, .discard: return Findings.notKnown
        }
    }

    /// Writes down what the rules did.
    func tell(_ evidence: inout Evidence) {
        evidence["matched"] = .list(noted.map { .object($0.members) })
        if count > noted.count { evidence["unlisted"] = .number(count - noted.count) }
        if !noted.isEmpty {
            evidence.log("rules", noted.prefix(20).map(\.place).joined(separator: " "))
        }
        if !words.isEmpty { evidence.log("note", words.prefix(20).joined(separator: "; ")) }
    }
}
