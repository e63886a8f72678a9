// DeliveryReply: what a delivery agent answers, recipient by recipient.
// delivery-protocol(7); RFC 3464, section 2.3.
// SPDX-License-Identifier: MIT

/// What became of one recipient.
public enum DeliveryOutcome: String, Hashable, Sendable, CaseIterable {
    /// The message is with the next one who answers for it.
    case delivered
    /// It will never be delivered.
    case failed
    /// Not this time.
    case deferred
}

/// The outcome for one recipient, and the words for log and report.
public struct DeliveryResult: Hashable, Sendable {
    /// What became of the recipient. It always agrees with the class of the reply's code.
    public let outcome: DeliveryOutcome
    /// Code, status and text: of the other host where it gave them, else of our own.
    public let reply: Reply
    /// The host that gave the reply (RFC 3464, Remote-MTA); nil when it is our own.
    public let remoteHost: String?
    /// The other host's reply as it came, its lines joined, at most 2,000 bytes without control
    /// characters (RFC 3464, Diagnostic-Code); nil when the reply is our own.
    public let diagnostic: String?

    /// A result whose outcome is read from the code: 2xx delivered, 5xx failed, anything else
    /// deferred.
    public init(_ reply: Reply, remoteHost: String? = nil, diagnostic: String? = nil) {
        switch reply.code {
        case 200...299: outcome = .delivered
        case 500...: outcome = .failed
        default: outcome = .deferred
        }
        self.reply = reply
        self.remoteHost = remoteHost
        self.diagnostic = diagnostic.map { $0.utf8.prefix(2000).printable }
    }
}

/// One result for each recipient of the request, in its order.
public struct DeliveryReply: Hashable, Sendable {
    /// The results.
    public var results: [DeliveryResult]

    /// A reply of these results.
    public init(_ results: [DeliveryResult]) { self.results = results }

    /// The reply on the wire: each result begins with its `result` field.
    public var fields: Fields {
        var fields = Fields()
        fields.append("chainmail", FilterRequest.version)
        for result in results {
            fields.append("result", result.outcome.rawValue)
            fields.append("code", Int(result.reply.code))
            fields.append("status", result.reply.status.description)
            fields.append("text", result.reply.text)
            if let host = result.remoteHost { fields.append("remote-host", host) }
            if let diagnostic = result.diagnostic { fields.append("diagnostic", diagnostic) }
        }
        return fields
    }

    /// Reads the reply to a request with so many recipients.
    /// - Throws: `FieldsError`; nothing is known of any recipient then. Another number of results
    ///   is `badValue`, and so is an outcome that disagrees with its code or status.
    public init(_ fields: Fields, recipientCount: Int) throws(FieldsError) {
        guard fields.text("chainmail") == FilterRequest.version else {
            throw .badValue("chainmail")
        }
        var groups: [Fields] = []
        for field in fields.all {
            if field.name == "result" { groups.append(Fields()) }
            guard !groups.isEmpty else { continue }
            groups[groups.count - 1].append(field.name, field.value)
        }
        guard groups.count == recipientCount else { throw .badValue("result") }
        results = []
        for group in groups { results.append(try DeliveryResult(group)) }
    }
}

extension DeliveryResult {
    fileprivate init(_ fields: Fields) throws(FieldsError) {
        let code = try fields.number("code")
        guard (200...599).contains(code) else { throw .badValue("code") }
        guard let status = fields["status"].flatMap({ EnhancedStatus($0) }) else {
            throw .badValue("status")
        }
        guard let text = fields.text("text") else { throw .missing("text") }
        self.init(
            Reply(UInt16(code), status, text), remoteHost: fields.text("remote-host"),
            diagnostic: fields.text("diagnostic"))
        guard fields.text("result") == outcome.rawValue, Int(status.statusClass) == code / 100
        else { throw .badValue("result") }
    }
}
