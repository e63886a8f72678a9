// DeliveryRequest: what a delivery agent is asked.
// delivery-protocol(7).
// SPDX-License-Identifier: MIT

/// The agent that a recipient's mail goes to.
public enum DeliveryChannel: String, CaseIterable, Sendable {
    /// deliver-local: a mailbox of ours.
    case local
    /// deliver-remote: another host.
    case remote
}

/// One delivery: one message to one or more recipients of one channel and, when it is remote, of
/// one domain. The message is a descriptor beside it, read-only and locked, of which
/// `messageLength` bytes from `messageOffset` are the message before the edits.
public struct DeliveryRequest: Hashable, Sendable {
    /// The version of the protocol that this code speaks.
    public static let version = "1"

    /// The message's id, for the logs.
    public var id: QueueID
    /// Who delivers.
    public var channel: DeliveryChannel
    /// The domain that all recipients share, ASCII letters folded; nil for local deliveries.
    public var domain: [UInt8]?
    /// The reverse-path, the recipients and their options; never without a recipient.
    public var envelope: Envelope
    /// Header edits to lay over the message: only `prepend` and `remove`.
    public var edits: [Edit]
    /// Where the message begins in the descriptor.
    public var messageOffset: Int
    /// How many bytes the message has before the edits.
    public var messageLength: Int
    /// Keys of instructions that earlier attempts carried out, by the number of the recipient,
    /// counted from 0: they are not to be carried out again.
    public var done: [Int: [[UInt8]]] = [:]
    /// The numbers that the recipients have in the queue, in their order; empty when they are not
    /// known.
    public var numbers: [Int] = []

    /// A request of these parts.
    public init(
        id: QueueID, channel: DeliveryChannel, domain: [UInt8]? = nil, envelope: Envelope,
        edits: [Edit] = [], messageOffset: Int = 0, messageLength: Int
    ) {
        self.id = id
        self.channel = channel
        self.domain = domain
        self.envelope = envelope
        self.edits = edits
        self.messageOffset = messageOffset
        self.messageLength = messageLength
    }

    /// The request on the wire.
    public var fields: Fields {
        var fields = Fields()
        fields.append("chainmail", DeliveryRequest.version)
        fields.append("id", id.description)
        fields.append("channel", channel.rawValue)
        if let domain { fields.append("domain", domain) }
        fields.append(envelope)
        fields.append("message-offset", messageOffset)
        fields.append("message-length", messageLength)
        fields.append(edits)
        for (number, keys) in done.sorted(by: { $0.key < $1.key }) {
            for key in keys { fields.append("done", Array("\(number) ".utf8) + key) }
        }
        for number in numbers { fields.append("number", number) }
        return fields
    }

    /// The same request for only the recipients of these numbers, in this order.
    public func withRecipients(_ numbers: [Int]) -> DeliveryRequest {
        var part = self
        part.envelope = envelope.withRecipients(numbers)
        part.done = [:]
        for (place, number) in numbers.enumerated() { part.done[place] = done[number] }
        part.numbers =
            self.numbers.isEmpty
            ? []
            : numbers.compactMap { number in
                self.numbers.indices.contains(number) ? self.numbers[number] : nil
            }
        return part
    }

    /// Reads a request.
    /// - Throws: `FieldsError`, for another version and for no recipient too.
    public init(_ fields: Fields) throws(FieldsError) {
        guard fields.text("chainmail") == DeliveryRequest.version else {
            throw .badValue("chainmail")
        }
        guard let id = fields["id"].flatMap({ QueueID($0) }) else { throw .badValue("id") }
        guard let channel = fields.text("channel").flatMap(DeliveryChannel.init(rawValue:)) else {
            throw .badValue("channel")
        }
        guard let envelope = try fields.envelope(), !envelope.recipients.isEmpty else {
            throw .missing("recipient")
        }
        self.init(
            id: id, channel: channel, domain: fields["domain"], envelope: envelope,
            edits: try fields.edits(), messageOffset: try fields.number("message-offset"),
            messageLength: try fields.number("message-length"))
        guard channel == .local || domain != nil else { throw .missing("domain") }
        for field in fields.all where field.name == "done" {
            let digits = field.value.prefix { $0 != 0x20 }
            guard let number = digits.decimalValue, digits.count < field.value.count else {
                throw .badValue("done")
            }
            done[number, default: []].append(Array(field.value[(digits.count + 1)...]))
        }
        for field in fields.all where field.name == "number" {
            guard let number = field.value.decimalValue else { throw .badValue("number") }
            numbers.append(number)
        }
        guard numbers.isEmpty || numbers.count == envelope.recipients.count else {
            throw .badValue("number")
        }
    }
}
