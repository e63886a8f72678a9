// Explanation: what each step said, as one JSON object on descriptor 2.
// filter-chain(8), option --explain.
// SPDX-License-Identifier: MIT

import FilterChain
import MailModel
import UnixIO

/// Puts the object together.
enum Explanation {
    /// Writes one line. That it cannot be written changes no verdict.
    static func write(_ verdict: Verdict, _ trail: [StepRecord]) {
        var members = [text("filter", "filter-chain")] + self.members(verdict)
        members.append("\"steps\":[\(trail.map(object).joined(separator: ","))]")
        let line = "{\(members.joined(separator: ","))}\n"
        try? Descriptor(rawValue: 2).writeAll(Array(line.utf8), "standard error")
    }

    private static func object(_ record: StepRecord) -> String {
        var members = [text("step", record.step), text("stage", record.stage.rawValue)]
        members += self.members(record.verdict)
        if !record.evidence.isEmpty { members.append(text("evidence", record.evidence)) }
        if let error = record.error { members.append(text("error", error)) }
        if record.isObserved { members.append(text("mode", "observe")) }
        return "{\(members.joined(separator: ","))}"
    }

    private static func members(_ verdict: Verdict) -> [String] {
        var members = [text("verdict", verdict.word)]
        if let reply = verdict.reply {
            members += [
                "\"code\":\(reply.code)", text("status", reply.status.description),
                text("text", reply.text),
            ]
        }
        if verdict.delay > .zero { members.append("\"delay\":\(verdict.delay.milliseconds)") }
        return members
    }

    /// RFC 8259, section 7.
    private static func text(_ name: String, _ value: String) -> String {
        var escaped = ""
        for scalar in value.unicodeScalars {
            switch scalar {
            case "\"": escaped += "\\\""
            case "\\": escaped += "\\\\"
            case _ where scalar.value < 0x20:
                let digits = String(scalar.value, radix: 16)
                escaped += "\\u\(String(repeating: "0", count: 4 - digits.utf8.count))\(digits)"
            default: escaped.unicodeScalars.append(scalar)
            }
        }
        return "\"\(name)\":\"\(escaped)\""
    }
}
