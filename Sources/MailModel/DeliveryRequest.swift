// DeliveryRequest: what a delivery agent is asked.
// delivery-protocol(7).
// SPDX-License-Identifier: MIT

/// One message to deliver to some of its recipients now. The message is a descriptor beside it,
/// read-only, of which `messageLength` bytes from `messageOffset` are the message; the agent
/// keeps it open until it has answered, since the lock on the message lives as long.
public struct DeliveryRequest: Hashable, Sendable {
    /// The message's id, for logs.
    public var id: QueueID
    /// The reverse-path, and the recipients to deliver to now; their edits are made already.
    public var envelope: Envelope
    /// deliver-remote only: the domain, or address literal, that all recipients are in; nil
    /// elsewhere.
    public var domain: [UInt8]?
    /// Where the message begins in the descriptor.
    public var messageOffset: Int
    /// How many bytes the message has, before edits.
    public var messageLength: Int
    /// The edits of which those of the header are still to be made.
    public var edits: [Edit]

    /// A request of these parts.
    public init(
        id: QueueID, envelope: Envelope, domain: [UInt8]? = nil, messageOffset: Int = 0,
        messageLength: Int, edits: [Edit] = []
    ) {
        self.id = id
        self.envelope = envelope
        self.domain = domain
        self.messageOffset = messageOffset
        self.messageLength = messageLength
        self.edits = edits
    }

    /// The request on the wire.
    public var fields: Fields {
        var fields = Fields()
        fields.append("chainmail", FilterRequest.version)
        fields.append("id", id.description)
        fields.append(envelope)
        if let domain { fields.append("domain", domain) }
        fields.append("message-offset", messageOffset)
        fields.append("message-length", messageLength)
        fields.append(edits)
        return fields
    }

    /// Reads a request.
    /// - Throws: `FieldsError`, for another version, and for a request without recipients too.
    public init(_ fields: Fields) throws(FieldsError) {
        guard fields.text("chainmail") == FilterRequest.version else {
            throw .badValue("chainmail")
        }
        guard let id = fields["id"].flatMap({ QueueID($0) }) else { throw .badValue("id") }
        guard let envelope = try fields.envelope() else { throw .missing("reverse-path") }
        guard !envelope.recipients.isEmpty else { throw .missing("recipient") }
        self.init(
            id: id, envelope: envelope, domain: fields["domain"],
            messageOffset: try fields.number("message-offset"),
            messageLength: try fields.number("message-length"), edits: try fields.edits())
        guard !messageOffset.addingReportingOverflow(messageLength).overflow else {
            throw .badValue("message-length")
        }
    }
}
