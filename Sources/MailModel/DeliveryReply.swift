// DeliveryReply: what became of each recipient of a delivery.
// delivery-protocol(7).
// SPDX-License-Identifier: MIT

/// What became of one recipient.
public enum DeliveryOutcome: String, CaseIterable, Sendable {
    /// The message is where it should be, safe; never to be tried again.
    case delivered
    /// It will never get there.
    case failed
    /// Not now.
    case deferred

    /// The class that the reply's code and status must have.
    public var replyClass: UInt8 {
        switch self {
        case .delivered: 2
        case .deferred: 4
        case .failed: 5
        }
    }
}

/// What a sender who asked for reports on success is told of a recipient that is delivered, and by
/// whom. RFC 3461, section 5.2; RFC 3464, section 2.3.3.
public enum DeliveryNotice: String, CaseIterable, Sendable {
    /// The message is in the mailbox.
    case delivered
    /// It went to a host that sends no reports.
    case relayed
    /// It went to several recipients in place of this one.
    case expanded
    /// It went to a host that knows DSN and was told what the sender wants: reporting is its duty.
    case passed
}

/// The outcome for one recipient and the words for it.
public struct DeliveryResult: Hashable, Sendable {
    /// What became of the recipient.
    public let outcome: DeliveryOutcome
    /// Code, enhanced status and text: the remote host's own where it spoke, else the agent's.
    public let reply: Reply
    /// The host that gave the reply, as `name` or `name [address]`; nil when no host did.
    public let host: String?
    /// Keys of the recipient's instructions that were carried out, and are not to be again:
    /// `DeliveryRequest.done`. They mean something where the recipient is deferred.
    public var done: [[UInt8]]

    /// The most bytes of a key.
    public static let maximumKey = 256
    /// What the sender may be told of a success; nil: what the channel amounts to, `delivered` when
    /// local and `relayed` when remote.
    public var notice: DeliveryNotice?

    /// A delivery that went well.
    public static func delivered(
        _ text: String, status: EnhancedStatus = EnhancedStatus(2, 0, 0), code: UInt16 = 250,
        host: String? = nil
    ) -> DeliveryResult {
        DeliveryResult(Reply(code, status, text), host: host)
    }

    /// The result that a reply amounts to by its code: delivered below 300, failed from 500 on,
    /// else deferred. A status of another class, as some hosts give, gets the code's class.
    public init(_ reply: Reply, host: String? = nil, done: [[UInt8]] = []) {
        switch reply.code {
        case ..<300: outcome = .delivered
        case 500...: outcome = .failed
        default: outcome = .deferred
        }
        let status = EnhancedStatus(
            outcome.replyClass, reply.status.subject, reply.status.detail)
        self.reply = Reply(reply.code, status, reply.text)
        self.host = host
        self.done = done
    }
}

/// The answer to a delivery: one result for each recipient, in the request's order.
public struct DeliveryReply: Hashable, Sendable {
    /// The results in the order of the request's recipients.
    public var results: [DeliveryResult]
    /// True when nobody at the destination could be reached at all, so that other messages for
    /// it need not be tried now.
    public var isUnreachable: Bool
    /// True when another request for the same destination may come on the same connection, which
    /// is cheaper than a new one.
    public var takesMore = false

    /// A reply of these results.
    public init(_ results: [DeliveryResult], isUnreachable: Bool = false) {
        self.results = results
        self.isUnreachable = isUnreachable
    }

    /// The same result for so many recipients.
    public init(_ result: DeliveryResult, count: Int, isUnreachable: Bool = false) {
        self.init(Array(repeating: result, count: count), isUnreachable: isUnreachable)
    }

    /// The reply on the wire.
    public var fields: Fields {
        var fields = Fields()
        fields.append("chainmail", DeliveryRequest.version)
        if isUnreachable { fields.append("unreachable", "1") }
        if takesMore { fields.append("more", "1") }
        for result in results { fields.append(result) }
        return fields
    }

    /// Reads the reply to a request with so many recipients.
    /// - Throws: `FieldsError`; whoever gets one takes every recipient as deferred. Another number
    ///   of results, or a code that is not of its outcome's class, is `badValue`.
    public init(_ fields: Fields, recipients: Int) throws(FieldsError) {
        guard fields.text("chainmail") == DeliveryRequest.version else {
            throw .badValue("chainmail")
        }
        isUnreachable = fields["unreachable"] != nil
        takesMore = fields["more"] != nil
        results = []
        var rest = fields.all[...]
        while let start = rest.firstIndex(where: { $0.name == "result" }) {
            let after = rest[(start + 1)...]
            let end = after.firstIndex { $0.name == "result" } ?? rest.endIndex
            results.append(try DeliveryResult(group: rest[start..<end]))
            rest = rest[end...]
        }
        guard results.count == recipients else { throw .badValue("result") }
    }
}

extension Fields {
    /// Adds `result`, `code`, `status`, `text`, where there is one `host` and `notice`, and `done` for
    /// each key.
    public mutating func append(_ result: DeliveryResult) {
        append("result", result.outcome.rawValue)
        append("code", Int(result.reply.code))
        append("status", result.reply.status.description)
        append("text", result.reply.text)
        if let host = result.host { append("host", host) }
        for key in result.done { append("done", key) }
        if let notice = result.notice { append("notice", notice.rawValue) }
    }
}

extension DeliveryResult {
    /// Reads a `result` field and those that belong to it.
    /// - Throws: `FieldsError`.
    public init(group: some Collection<Fields.Field>) throws(FieldsError) {
        let value = { (name: String) in group.first { $0.name == name }?.value }
        let text = { (name: String) in value(name).map { String(decoding: $0, as: UTF8.self) } }
        guard let outcome = text("result").flatMap(DeliveryOutcome.init(rawValue:)) else {
            throw .badValue("result")
        }
        guard let code = value("code")?.decimalValue, code / 100 == Int(outcome.replyClass) else {
            throw .badValue("code")
        }
        guard let status = value("status").flatMap({ EnhancedStatus($0) }),
            status.statusClass == outcome.replyClass
        else { throw .badValue("status") }
        guard let words = text("text") else { throw .missing("text") }
        let done = group.filter { $0.name == "done" }.map(\.value)
        guard done.allSatisfy({ $0.count <= DeliveryResult.maximumKey }) else {
            throw .badValue("done")
        }
        self.init(
            Reply(UInt16(code), status, words), host: text("host")?.utf8.printable, done: done)
        notice = text("notice").flatMap(DeliveryNotice.init(rawValue:))
    }
}
