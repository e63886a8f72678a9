// PostfixRun: Postfix's tables over one message.
// header_checks(5).
// SPDX-License-Identifier: MIT

import FilterKit
import MailModel
import Patterns
import UnixIO

/// The tables and what is said of them by options.
struct PostfixChecks {
    var header: PostfixTable?
    var body: PostfixTable?
    /// How much of each part's body is looked at, Postfix's body_checks_size_limit; 0: all of it.
    var bodyLimit = 51_200

    /// True where there is nothing to do.
    var isEmpty: Bool { header == nil && body == nil }
}

/// Applies the tables to a message.
struct PostfixRun {
    private let checks: PostfixChecks
    private let matcher: Matcher
    private let deadline: Deadline
    private var header: PostfixLookup?
    private var body: PostfixLookup?
    private var patches: [MessagePatch] = []
    private var holds = false
    private var redirection: Mailbox?
    private var copies: [Mailbox] = []

    init(_ checks: PostfixChecks, _ matcher: Matcher, deadline: Deadline, skipsUnknown: Bool) {
        self.checks = checks
        self.matcher = matcher
        self.deadline = deadline
        let lookup = { (table: PostfixTable) in
            PostfixLookup(table, matcher, deadline: deadline, skipsUnknown: skipsUnknown)
        }
        header = checks.header.map(lookup)
        body = checks.body.map(lookup)
    }

    /// Looks at a message.
    /// - Returns: the verdict of the first line that ends the judging; nil when none does.
    mutating func judge(
        _ bytes: UnsafeRawBufferPointer, isWhole: Bool, _ findings: inout Findings
    ) -> Verdict? {
        var content = PostfixContent()
        var verdict: Verdict?
        while let piece = content.next(in: bytes) {
            // The last field or line may go on where the reading ended.
            if !isWhole, piece.range.upperBound == bytes.count { break }
            let found = look(at: piece, bytes, &findings)
            verdict = verdict ?? found
            if verdict != nil, !findings.isTest { break }
            if deadline.hasPassed { break }
        }
        note(header, checks.header, &findings)
        note(body, checks.body, &findings)
        if deadline.hasPassed, verdict == nil {
            findings.add(unknown: "message", "the time limit ran out", refuses: true)
        }
        return verdict
    }

    /// What is to be done to a message that passes.
    mutating func finish(_ request: Request, _ findings: inout Findings) throws(FilterError) {
        if !patches.isEmpty {
            patches.sort { $0.range.lowerBound < $1.range.lowerBound }
            // Header edits before it would be gone.
            findings.edits.insert(try request.replaceMessage(with: patches), at: 0)
        }
        if let redirection { findings.redirect(to: redirection) }
        if redirection == nil { findings.edits += copies.map(Edit.addRecipient) }
        if holds { findings.edits.append(.hold) }
    }

    private func note(
        _ lookup: PostfixLookup?, _ table: PostfixTable?, _ findings: inout Findings
    ) {
        guard let lookup, let table else { return }
        for unknown in lookup.unknown.prefix(Findings.mostNotes) {
            let entry = table.entries[unknown.entry]
            var refuses = false
            if case .reject = entry.action { refuses = true }
            findings.add(unknown: entry.place, unknown.reason, refuses: refuses)
        }
    }

    private mutating func look(
        at piece: PostfixContent.Piece, _ bytes: UnsafeRawBufferPointer, _ findings: inout Findings
    ) -> Verdict? {
        if let rewritten = piece.rewritten {
            return rewritten.withUnsafeBytes { look(at: piece, text: $0, &findings) }
        }
        return look(
            at: piece, text: UnsafeRawBufferPointer(rebasing: bytes[piece.text]), &findings)
    }

    private mutating func look(
        at piece: PostfixContent.Piece, text: UnsafeRawBufferPointer, _ findings: inout Findings
    ) -> Verdict? {
        let finding: PostfixLookup.Finding?
        let table: PostfixTable?
        switch piece.kind {
        case .header:
            (finding, table) = (header?.first(in: text), checks.header)
        case .body:
            guard checks.bodyLimit == 0 || piece.offset < checks.bodyLimit else { return nil }
            (finding, table) = (body?.first(in: text), checks.body)
        }
        guard let finding, let table, let action = table.entries[finding.entry].action else {
            return nil
        }
        let place = table.entries[finding.entry].place
        let subject = Array(text)
        if action != .dunno || findings.isTest {
            findings.add(
                place, action.word, subject, finding.match?.ranges.first ?? nil,
                scope: piece.kind.rawValue, does: action.words(subject, finding.match))
        }
        return act(action, place, piece, subject, finding.match, &findings)
    }
}

// MARK: Actions

extension PostfixRun {
    private mutating func act(
        _ action: PostfixAction, _ place: String, _ piece: PostfixContent.Piece,
        _ subject: [UInt8], _ match: Match?, _ findings: inout Findings
    ) -> Verdict? {
        let text = action.text?.filled(subject, match) ?? []
        switch action {
        case .reject: return action.refusal(text)
        case .discard: return .discard
        case .pass: return .accept
        case .hold: holds = true
        case .redirect, .bcc:
            guard let mailbox = PostfixAction.mailbox(text) else {
                findings.say("\(place): \(action.word) \(text.printable) is no user@domain")
                return nil
            }
            if case .bcc = action { copies.append(mailbox) } else { redirection = mailbox }
        case .prepend, .replace:
            guard let line = action.line(subject, match, piece.kind) else {
                findings.say("\(place): the text is no header field")
                return nil
            }
            let start = piece.range.lowerBound
            patches.append(
                MessagePatch(action.word == "PREPEND" ? start..<start : piece.range, line))
        case .strip, .ignore: patches.append(MessagePatch(piece.range, []))
        case .warn, .info, .dunno: break
        }
        switch action {
        case .ignore, .dunno, .prepend, .replace, .reject, .discard, .pass: break
        default:
            let note = text.isEmpty ? "" : ": \(text.printable)"
            findings.say("\(place): \(action.word) \(subject.prefix(200).printable)\(note)")
        }
        return nil
    }
}

extension PostfixAction {
    /// The verdict of REJECT. Postfix's default text; a text may begin with a status.
    func refusal(_ text: [UInt8]) -> Verdict? {
        guard case .reject(let fixed, _) = self else { return nil }
        var words = text
        var status = fixed ?? EnhancedStatus(5, 7, 1)
        // A status that a capture brought.
        if fixed == nil, let given = EnhancedStatus(words.prefix { !$0.isBlank }),
            given.statusClass != 2
        {
            status = given
            words = Array(words.drop { !$0.isBlank }.drop(while: \.isBlank))
        }
        let isTemporary = status.statusClass == 4
        if words.isEmpty {
            words = Array((isTemporary ? "service unavailable" : "message content rejected").utf8)
        }
        let ascii = words.map { $0 < 0x80 ? $0 : 0x3F }.printable
        return isTemporary
            ? .defer(Reply(451, status, ascii)) : .reject(Reply(550, status, ascii))
    }

    /// The line that PREPEND and REPLACE put there, with its line end; nil when it is to be a
    /// field and is none.
    func line(_ subject: [UInt8], _ match: Match?, _ kind: PostfixTableKind) -> [UInt8]? {
        guard let line = text?.line(subject, match) else { return nil }
        guard kind == .header else { return line.filter { $0 != 0x0A } + [0x0A] }
        let field =
            HeaderField(line: line) ?? HeaderField(line: line.filter { $0 != 0x0A })
        return field?.bytes
    }

    /// What it would do, for people.
    func words(_ subject: [UInt8], _ match: Match?) -> String {
        switch self {
        case .reject: "\(refusal(text?.filled(subject, match) ?? []).map(\.words) ?? word)"
        case .prepend, .replace: "\(word) \((text?.line(subject, match) ?? []).printable)"
        case .ignore, .dunno: word
        default:
            "\(word) \((text?.filled(subject, match) ?? []).printable)".trimmingLastBlank
        }
    }
}

extension String {
    fileprivate var trimmingLastBlank: String { last == " " ? String(dropLast()) : self }
}
