// QueuedMessage: what the tail of a message file says.
// queue(5), section THE MESSAGE FILE.
// SPDX-License-Identifier: MIT

import MailModel

/// Everything that the queue knows of a message but what became of it.
public struct QueuedMessage: Hashable, Sendable {
    /// The message's id, which is its file's name.
    public var id: QueueID
    /// When it was accepted, in microseconds since 1970-01-01 UTC.
    public var arrival: UInt64
    /// `pid uid` of the process that handed it over.
    public var submitter: String
    /// The envelope after all edits.
    public var envelope: Envelope
    /// Header edits to lay over the message at delivery: only `prepend` and `remove`.
    public var edits: [Edit]
    /// What is known of the client.
    public var facts: Facts
    /// The message that this one, a DSN, reports on.
    public var reportOn: QueueID?
    /// The recipient whose instructions forwarded it.
    public var forwardOf: ForwardOrigin?
    /// Where the message begins in its file.
    public var messageOffset: Int
    /// How many bytes it has, before the edits.
    public var messageLength: Int

    /// What a submission comes to.
    public init(_ submission: Submission, arrival: UInt64, submitter: String) {
        id = submission.id
        self.arrival = arrival
        self.submitter = submitter
        envelope = submission.finalEnvelope
        edits = submission.headerEdits
        facts = submission.facts
        reportOn = submission.reportOn
        forwardOf = submission.forwardOf
        (messageOffset, messageLength) = submission.messageRange
    }

    /// The tail's frame.
    var tail: [UInt8] {
        var fields = Fields()
        fields.append("chainmail", "1")
        fields.append("id", id.description)
        fields.append("arrival", Int(clamping: arrival))
        fields.append("submitter", submitter)
        fields.append(envelope)
        fields.append(edits)
        fields.append(facts)
        if let reportOn { fields.append("report-on", reportOn.description) }
        if let forwardOf { fields.append(forwardOf) }
        return fields.frame
    }

    /// Tail and footer: what is written behind the message, right at its end.
    var tailAndFooter: [UInt8] {
        let tail = tail
        let footer = MessageFooter(
            messageOffset: messageOffset, messageLength: messageLength,
            tailOffset: messageOffset + messageLength, tailLength: tail.count)
        return tail + footer.bytes(tail: tail)
    }

    /// Reads a tail whose footer and checksum are right.
    /// - Throws: `FieldsError`.
    init(tail: [UInt8], _ footer: MessageFooter) throws(FieldsError) {
        let fields = try Fields(frame: tail)
        guard fields.text("chainmail") == "1" else { throw .badValue("chainmail") }
        guard let id = fields["id"].flatMap({ QueueID($0) }) else { throw .badValue("id") }
        guard var envelope = try fields.envelope() else { throw .missing("reverse-path") }
        // Files from before there were options have it among the facts only.
        if envelope.options.bodyType == nil {
            envelope.options.bodyType = fields["fact.body-type"].flatMap { BodyType($0) }
        }
        self.id = id
        arrival = UInt64(clamping: try fields.number("arrival"))
        submitter = fields.text("submitter") ?? ""
        self.envelope = envelope
        edits = try fields.edits()
        facts = fields.facts
        reportOn = fields["report-on"].flatMap { QueueID($0) }
        forwardOf = fields.forwardOrigin
        messageOffset = footer.messageOffset
        messageLength = footer.messageLength
    }
}
