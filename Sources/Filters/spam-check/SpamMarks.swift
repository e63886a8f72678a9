// SpamMarks: what a message carries on of an opinion, and what it may not have brought along.
// spam-check(8), section FIELDS.
// SPDX-License-Identifier: MIT

import FilterKit
import MailModel
import SpamScoring

/// The fields and notes.
struct SpamMarks {
    /// Which messages get fields.
    enum Kind: String, CaseIterable {
        case all
        case spam
        case none
    }

    /// What sieve rules, mail programs and other filters of spam go by. Whoever sent one of these
    /// with a message forged it.
    static let names = [
        "X-Spam", "X-Spam-Bar", "X-Spam-Checker-Version", "X-Spam-Flag", "X-Spam-Level",
        "X-Spam-Report", "X-Spam-Score", "X-Spam-Status", "X-Spamd-Bar", "X-Spamd-Result",
        "X-Rspamd-Action", "X-Rspamd-Score",
    ]

    let kind: Kind
    /// What goes before the Subject of spam.
    let subject: [UInt8]?
    /// True when fields that rspamd wants are added and removed.
    let takesFields: Bool

    /// Edits that take out what came along. An earlier spam-check did that already, and what is
    /// there now is its own.
    func removals(_ request: borrowing Request) throws(FilterError) -> [Edit] {
        guard request.notes["spam"] == nil || kind != .none else { return [] }
        let header = try request.message.header()
        let all = SpamMarks.names.map { Array($0.utf8) }
        guard header.isWhole else { return all.map { .remove(name: $0) } }
        let present = Set(header.fields.map(\.name.asciiLowercased))
        return all.filter { present.contains($0.asciiLowercased) }.map { .remove(name: $0) }
    }

    /// Everything for a message that is accepted.
    func edits(
        _ opinion: SpamOpinion, _ action: SpamAction, isPart: Bool, _ request: borrowing Request
    ) throws(FilterError) -> [Edit] {
        var edits = try removals(request)
        edits.append(.note(name: "spam", value: Array(action.word(opinion).utf8)))
        edits.append(.note(name: "spam-score", value: Array(Score.text(opinion.score).utf8)))
        if takesFields {
            edits += opinion.removedFields.map { .remove(name: $0) }
            edits += opinion.addedFields.map(Edit.prepend)
        }
        let isSpam = action != .pass
        if isSpam, let new = try newSubject(opinion, request) {
            edits += [.remove(name: Array("Subject".utf8)), .prepend(new)]
        }
        guard kind == .all || (kind == .spam && isSpam) else { return edits }
        let stars = min(max(0, Int(opinion.score)), 50)
        let fields = [
            stars > 0 ? HeaderField("X-Spam-Level", String(repeating: "*", count: stars)) : nil,
            HeaderField("X-Spam-Status", status(opinion, isSpam: isSpam, isPart: isPart)),
            isSpam ? HeaderField("X-Spam-Flag", "YES") : nil,
        ]
        return edits + fields.compactMap(\.self).map(Edit.prepend)
    }

    /// What says of a message that nobody looked at it.
    func edits(unknown reason: String, _ request: borrowing Request) throws(FilterError) -> [Edit] {
        let field = HeaderField("X-Spam-Status", "Unknown, \(reason)")
        let note = Edit.note(name: "spam", value: Array("unknown".utf8))
        return try removals(request) + [note]
            + (kind == .all ? [field].compactMap(\.self).map(Edit.prepend) : [])
    }

    /// `Yes, score=7.3 required=5.0 tests=A,B`, as SpamAssassin writes it, folded after commas.
    private func status(_ opinion: SpamOpinion, isSpam: Bool, isPart: Bool) -> String {
        var text = isSpam ? "Yes" : "No"
        text += ", score=\(Score.text(opinion.score))"
        // Where rspamd rejects by no score.
        if opinion.required.isFinite { text += " required=\(Score.text(opinion.required))" }
        if isPart { text += " part=yes" }
        if opinion.isSkipped { text += " skipped=yes" }
        text += "\n\ttests="
        var length = 14
        let names = opinion.symbols.isEmpty ? ["none"] : Array(opinion.symbols.prefix(100))
        for (index, name) in names.enumerated() {
            if index > 0 { text += "," }
            if length + name.utf8.count > 75, index > 0 {
                text += "\n\t"
                length = 8
            }
            text += name
            length += name.utf8.count + 1
        }
        return text
    }

    /// The Subject of spam: rspamd's, or what is there with the prefix, unless it has it.
    private func newSubject(
        _ opinion: SpamOpinion, _ request: borrowing Request
    ) throws(FilterError) -> HeaderField? {
        if takesFields, let subject = opinion.subject {
            return HeaderField(Array("Subject".utf8), subject)
        }
        guard let subject else { return nil }
        let old = try request.message.header().values("Subject").first ?? []
        guard !old.starts(with: subject) else { return nil }
        return HeaderField(Array("Subject".utf8), subject + [0x20] + old)
    }
}
