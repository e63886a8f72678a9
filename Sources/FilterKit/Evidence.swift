// Evidence: what a filter looked at, for --explain and for the log.
// filter-protocol(7).
// SPDX-License-Identifier: MIT

import MailModel

/// What a verdict rests on: named values, of which some also go into the log line.
public struct Evidence: Sendable {
    /// True with `--explain`: what costs time to find out is worth it.
    public let isWanted: Bool
    private var members: [JSON.Member] = []
    private var logged: [(key: String, value: String?)] = []

    init(isWanted: Bool) { self.isWanted = isWanted }

    /// A value of the JSON object. Setting one again replaces it.
    public subscript(name: String) -> JSON? {
        get { members.first { $0.name == name }?.value }
        set {
            members.removeAll { $0.name == name }
            if let newValue { members.append(JSON.Member(name, newValue)) }
        }
    }

    /// Sets a value of the JSON object that is also a `name=value` of the log line.
    public mutating func log(_ name: String, _ value: String) {
        self[name] = .text(value)
        logged.removeAll { $0.key == name }
        logged.append((name, value))
    }

    /// Sets a value of the JSON object that is also a `name=value` of the log line.
    public mutating func log(_ name: String, _ value: Int) {
        log(name, "\(value)")
        self[name] = .number(value)
    }

    /// What a caller's log gets: `result=pass domain=example.org`.
    var summary: String {
        logged.map { "\($0.key)=\($0.value ?? "")" }.joined(separator: " ")
    }

    /// The pairs of the log line.
    var pairs: [(key: String, value: String?)] { logged }

    /// One line of JSON: filter, verdict with its reply or edits, then the evidence.
    func line(_ filter: String, _ verdict: Verdict, _ error: FilterError?) -> [UInt8] {
        var all = [
            JSON.Member("filter", .text(filter)), JSON.Member("verdict", .text(verdict.word)),
        ]
        if let reply = verdict.reply {
            all.append(JSON.Member("code", .number(Int(reply.code))))
            all.append(JSON.Member("status", .text(reply.status.description)))
            all.append(JSON.Member("text", .text(reply.text)))
        }
        if case .accept(let edits) = verdict, !edits.isEmpty {
            all.append(JSON.Member("edits", .list(edits.map { .text($0.words) })))
        }
        if let error { all.append(JSON.Member("error", .text(error.text))) }
        all += members
        var line: [UInt8] = []
        JSON.object(all).write(to: &line)
        line.append(0x0A)
        return line
    }
}

extension Edit {
    /// The edit for people.
    var words: String {
        switch self {
        case .prepend(let field):
            "prepend \(String(decoding: field.bytes.dropLast(), as: UTF8.self))"
        case .remove(let name): "remove \(name.printable)"
        case .addRecipient(let mailbox): "add-recipient \(mailbox)"
        case .removeRecipient(let mailbox): "remove-recipient \(mailbox)"
        case .reversePath(let path): "reverse-path \(path)"
        case .replaceMessage(_, let length): "replace-message \(length)"
        case .note(let name, let value): "note \(name)=\(value.printable)"
        case .hold: "hold"
        case .delay(let delay): "delay \(delay.milliseconds)ms"
        }
    }
}
