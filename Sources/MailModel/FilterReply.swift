// FilterReply: what a step answers.
// filter-protocol(7).
// SPDX-License-Identifier: MIT

/// A verdict on the wire.
public struct FilterReply: Hashable, Sendable {
    /// The decision.
    public var verdict: Verdict
    /// Words for the log of the caller; may be empty.
    public var evidence: String

    /// A reply of these parts.
    public init(_ verdict: Verdict, evidence: String = "") {
        self.verdict = verdict
        self.evidence = evidence
    }

    /// The reply on the wire.
    public var fields: Fields {
        var fields = Fields()
        fields.append("chainmail", FilterRequest.version)
        fields.append("verdict", verdict.word)
        if let reply = verdict.reply {
            fields.append("code", Int(reply.code))
            fields.append("status", reply.status.description)
            fields.append("text", reply.text)
        }
        if verdict.delay > .zero { fields.append("delay", verdict.delay.milliseconds) }
        if case .accept(let edits) = verdict { fields.append(edits) }
        if !evidence.isEmpty { fields.append("evidence", evidence) }
        return fields
    }

    /// Reads a reply.
    /// - Throws: `FieldsError`; whoever gets one must defer. A reject whose code is not 5xx or a
    ///   defer whose code is not 4xx is `badValue`, since one part of it must be wrong.
    public init(_ fields: Fields) throws(FieldsError) {
        guard fields.text("chainmail") == FilterRequest.version else {
            throw .badValue("chainmail")
        }
        evidence = fields.text("evidence") ?? ""
        switch fields.text("verdict") {
        case "accept":
            let delay = try fields.delay()
            verdict = .accept(try fields.edits() + (delay > .zero ? [.delay(delay)] : []))
        case "discard": verdict = .discard
        case "reject": verdict = .reject(try fields.reply(of: 5))
        case "defer": verdict = .defer(try fields.reply(of: 4))
        default: throw .badValue("verdict")
        }
    }
}

extension Fields {
    fileprivate func reply(of replyClass: Int) throws(FieldsError) -> Reply {
        let code = try number("code")
        guard code / 100 == replyClass else { throw .badValue("code") }
        guard let status = self["status"].flatMap({ EnhancedStatus($0) }),
            Int(status.statusClass) == replyClass
        else { throw .badValue("status") }
        guard let text = text("text") else { throw .missing("text") }
        return Reply(UInt16(code), status, text, delay: try delay())
    }

    /// Ten minutes at most.
    fileprivate func delay() throws(FieldsError) -> Duration {
        let delay = self["delay"] == nil ? 0 : try number("delay")
        guard delay <= 600_000 else { throw .badValue("delay") }
        return .milliseconds(delay)
    }
}

extension Duration {
    /// Whole milliseconds, rounded towards zero and bounded to what `Int` holds.
    public var milliseconds: Int {
        let (seconds, attoseconds) = components
        let (product, overflow) = Int(seconds).multipliedReportingOverflow(by: 1000)
        return overflow ? .max : product + Int(attoseconds / 1_000_000_000_000_000)
    }
}
