// QmailControl: qmail's lists of bad senders, recipients and HELO names.
// qmail-control(5); the qregex patch's README.
// SPDX-License-Identifier: MIT

import Control
import FilterKit
import MailModel
import Patterns
import UnixIO

/// The lists of a folder of control files.
struct QmailControl {
    /// One line of a list.
    fileprivate struct Line {
        let place: String
        /// The line as qmail's own badmailfrom reads it: an address or `@domain`.
        let address: [UInt8]
        let expression: ExtendedPattern
        let isNegated: Bool
    }

    /// What a list is about.
    fileprivate enum Subject {
        case sender
        case recipient
        case helo

        var reply: Reply {
            let what =
                switch self {
                case .sender: "envelope sender"
                case .recipient: "envelope recipient"
                case .helo: "HELO host name"
                }
            return Reply(
                553, EnhancedStatus(5, 7, 1), "sorry, your \(what) has been denied (#5.7.1)")
        }
    }

    fileprivate struct List {
        let name: String
        let subject: Subject
        /// True for a list that clients that may relay are not held against.
        let sparesRelay: Bool
        let lines: [Line]
    }

    private static let names: [(name: String, subject: Subject, sparesRelay: Bool)] = [
        ("badhelo", .helo, false), ("badhelonorelay", .helo, true),
        ("badmailfrom", .sender, false), ("badmailfromnorelay", .sender, true),
        ("badrcptto", .recipient, false), ("badrcpttonorelay", .recipient, true),
    ]

    /// An expression is not asked about more: nothing that SMTP carries is longer.
    private static let longestSubject = 4_096

    private let lists: [List]
    /// qmail's variables that switch lists off.
    private let skipsHelo = Environment.bytes("NOBADHELO") != nil
    private let skipsSender = Environment.bytes("DISABLE_BADMAILFROM") != nil

    /// Reads the lists that are there; a folder without any is refused.
    /// - Throws: `ControlError` with file and line.
    init(_ folder: ControlFolder) throws(ControlError) {
        var lists: [List] = []
        for (name, subject, sparesRelay) in QmailControl.names {
            guard let lines = try folder.list(name) else { continue }
            var read: [Line] = []
            for line in lines { read.append(try QmailControl.line(line, folder, name)) }
            lists.append(
                List(name: name, subject: subject, sparesRelay: sparesRelay, lines: read))
        }
        self.lists = lists
    }

    /// True when there is no list at all.
    var isEmpty: Bool { lists.isEmpty }

    /// The names of the files, for an error.
    static var known: String { names.map(\.name).joined(separator: ", ") }

    private static func line(
        _ line: ControlLine, _ folder: ControlFolder, _ name: String
    ) throws(ControlError) -> Line {
        let isNegated = line.bytes.first == 0x21
        let text = isNegated ? Array(line.bytes.dropFirst()) : line.bytes
        do {
            return Line(
                place: "\(folder.file(name)):\(line.number)", address: text,
                expression: try ExtendedPattern(text), isNegated: isNegated)
        } catch {
            throw folder.invalid(name, line.number, "expression: \(error.reason)")
        }
    }

    /// Holds a request against the lists.
    /// - Returns: the verdict of the first line that applies; nil when none does.
    func judge(_ request: Request, _ findings: inout Findings) -> Verdict? {
        var verdict: Verdict?
        for list in lists where !isSpared(list, request) {
            for subject in subjects(list.subject, request) {
                for line in list.lines {
                    let decided = judge(line, list, subject, &findings)
                    verdict = verdict ?? decided
                    if verdict != nil, !findings.isTest { return verdict }
                }
            }
        }
        return verdict
    }

    private func isSpared(_ list: List, _ request: Request) -> Bool {
        if list.sparesRelay, request.facts[.relay] != nil { return true }
        return switch list.subject {
        case .helo: skipsHelo
        case .sender: skipsSender
        case .recipient: false
        }
    }

    /// The null reverse-path is never looked at.
    private func subjects(_ subject: Subject, _ request: Request) -> [[UInt8]] {
        switch subject {
        case .helo: [request.facts[.helo]].compactMap(\.self)
        case .sender: [request.reversePath?.bytes].compactMap(\.self).filter { !$0.isEmpty }
        case .recipient: request.recipients.map(\.bytes)
        }
    }

    private func judge(
        _ line: Line, _ list: List, _ subject: [UInt8], _ findings: inout Findings
    ) -> Verdict? {
        guard subject.count <= QmailControl.longestSubject else {
            findings.add(unknown: line.place, "the subject is too long", refuses: true)
            return nil
        }
        do throws(PatternError) {
            var isFound = line.isAddress(of: subject)
            if !isFound { isFound = try line.expression.matches(subject) }
            guard isFound != line.isNegated else { return nil }
        } catch {
            findings.add(unknown: line.place, "\(error)", refuses: true)
            return nil
        }
        let verdict = Verdict.reject(list.subject.reply)
        findings.add(
            line.place, "reject", subject, 0..<subject.count, scope: list.name, does: verdict.words)
        return verdict
    }
}

extension QmailControl.Line {
    /// True for the whole address, and for `@domain` and its domain.
    fileprivate func isAddress(of subject: [UInt8]) -> Bool {
        if address.equalsIgnoringASCIICase(subject) { return true }
        guard address.first == 0x40, let at = subject.lastIndex(of: 0x40) else { return false }
        return address.equalsIgnoringASCIICase(subject[at...])
    }
}

extension PatternError {
    /// What is wrong, without a place that nobody knows.
    fileprivate var reason: String {
        switch self {
        case .invalid(let reason, _): reason
        case .limitExceeded(let reason), .failed(let reason): reason
        }
    }
}
