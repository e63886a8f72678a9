// Submission: everything about a message but its bytes.
// queue(5), section CLIENT PROTOCOL.
// SPDX-License-Identifier: MIT

import MailModel

/// What a commit says of a message. The bytes are in a descriptor beside it.
public struct Submission: Hashable, Sendable {
    /// The message's id.
    public var id: QueueID
    /// The envelope before the edits.
    public var envelope: Envelope
    /// What the chain changed, in order; envelope edits, header edits, `hold` and notes.
    public var edits: [Edit]
    /// What is known of the client.
    public var facts: Facts
    /// Where the message begins in the descriptor, before a `replaceMessage` among the edits.
    public var messageOffset: Int
    /// How many bytes it has.
    public var messageLength: Int
    /// True when the descriptor is not one that `open` gave, and the message must be copied.
    public var isCopied: Bool
    /// The message that this one reports on; only the manager sets it.
    public var reportOn: QueueID?
    /// Whose instructions forward it; believed only from root and the queue's own user.
    public var forwardOf: ForwardOrigin?

    /// A submission of these parts.
    public init(
        id: QueueID, envelope: Envelope, edits: [Edit] = [], facts: Facts = Facts(),
        messageOffset: Int = 0, messageLength: Int, isCopied: Bool = false
    ) {
        self.id = id
        self.envelope = envelope
        self.edits = edits
        self.facts = facts
        self.messageOffset = messageOffset
        self.messageLength = messageLength
        self.isCopied = isCopied
    }

    /// Where the message is in the descriptor after all edits.
    public var messageRange: (offset: Int, length: Int) {
        edits.replacement ?? (messageOffset, messageLength)
    }

    /// The envelope after all edits.
    public var finalEnvelope: Envelope { edits.applied(to: envelope) }

    /// The edits that the queue keeps: those of the header, from the last replacement on.
    public var headerEdits: [Edit] {
        edits.reduce(into: []) { kept, edit in
            switch edit {
            case .prepend, .remove: kept.append(edit)
            case .replaceMessage: kept = []
            case .addRecipient, .removeRecipient, .reversePath, .note, .hold, .delay: break
            }
        }
    }

    /// The request on the wire.
    public var fields: Fields {
        var fields = Fields()
        fields.append("request", "commit")
        fields.append("id", id.description)
        if isCopied { fields.append("copy", "1") }
        fields.append(envelope)
        fields.append(edits)
        fields.append(facts)
        fields.append("message-offset", messageOffset)
        fields.append("message-length", messageLength)
        if let forwardOf { fields.append(forwardOf) }
        return fields
    }

    /// Reads a request.
    /// - Throws: `FieldsError`.
    public init(_ fields: Fields) throws(FieldsError) {
        guard let id = fields["id"].flatMap({ QueueID($0) }) else { throw .badValue("id") }
        guard let envelope = try fields.envelope() else { throw .missing("reverse-path") }
        self.init(
            id: id, envelope: envelope, edits: try fields.edits(), facts: fields.facts,
            messageOffset: try fields.number("message-offset"),
            messageLength: try fields.number("message-length"), isCopied: fields["copy"] != nil)
        forwardOf = fields.forwardOrigin
    }
}
