// Envelope: the reverse-path and the recipients of one message, and qmail-queue's form of it.
// RFC 5321, section 2.3.1; qmail-queue(8).
// SPDX-License-Identifier: MIT

/// Why bytes are not a whole envelope.
public enum EnvelopeError: Error, Equatable {
    /// The final NUL is missing: whoever wrote it went away. Nothing may be queued.
    case cutShort
    /// A record begins with a byte other than `F` or `T`, or bytes follow the end.
    case malformed
    /// An address exceeds `Mailbox.maximumLength`.
    case addressTooLong
}

/// A reverse-path and recipients in the order they were given, and what was asked for them.
public struct Envelope: Hashable, Sendable {
    /// Where reports go.
    public var reversePath: ReversePath
    /// The accepted recipients; may be empty at the early stages of a session.
    public private(set) var recipients: [Mailbox]
    /// What MAIL's parameters asked for.
    public var options = EnvelopeOptions()
    /// What RCPT's parameters asked for, by the number of the recipient; only where something was.
    private var optionsByRecipient: [Int: RecipientOptions] = [:]

    /// An envelope of these parts.
    public init(reversePath: ReversePath, recipients: [Mailbox] = []) {
        self.reversePath = reversePath
        self.recipients = recipients
    }

    /// The options of the recipient of this number, counted from 0.
    public func options(ofRecipient number: Int) -> RecipientOptions {
        optionsByRecipient.isEmpty ? RecipientOptions() : optionsByRecipient[number] ?? .init()
    }

    /// Adds a recipient.
    public mutating func append(
        _ recipient: Mailbox, _ options: RecipientOptions = RecipientOptions()
    ) {
        if !options.isEmpty { optionsByRecipient[recipients.count] = options }
        recipients.append(recipient)
    }

    /// Adds the recipients of another envelope, with their options.
    public mutating func appendRecipients(of other: Envelope) {
        for (number, options) in other.optionsByRecipient {
            optionsByRecipient[recipients.count + number] = options
        }
        recipients += other.recipients
    }

    /// Takes recipients away, and their options with them.
    public mutating func removeRecipients(where isGoing: (Mailbox) throws -> Bool) rethrows {
        guard !optionsByRecipient.isEmpty else { return try recipients.removeAll(where: isGoing) }
        let staying = try recipients.indices.filter { try !isGoing(recipients[$0]) }
        self = withRecipients(staying)
    }

    /// Puts another address in the place of each recipient; options stay.
    public mutating func mapRecipients(_ other: (Mailbox) -> Mailbox) {
        recipients = recipients.map(other)
    }

    /// The same envelope with only the recipients of these numbers, in this order; numbers of
    /// recipients that do not exist are passed over.
    public func withRecipients(_ numbers: some Sequence<Int>) -> Envelope {
        var result = Envelope(reversePath: reversePath)
        result.options = options
        for number in numbers where recipients.indices.contains(number) {
            result.append(recipients[number], options(ofRecipient: number))
        }
        return result
    }

    /// Reads `F` reverse-path NUL, then `T` recipient NUL for each recipient, then NUL. The form has
    /// no room for options.
    public init(queueFormat bytes: some Collection<UInt8>) throws(EnvelopeError) {
        var rest = Array(bytes)[...]
        guard let sender = try Envelope.record(of: 0x46, from: &rest) else { throw .malformed }
        reversePath = try Envelope.checked { () throws(MailboxError) in try ReversePath(sender) }
        recipients = []
        while let recipient = try Envelope.record(of: 0x54, from: &rest) {
            recipients.append(
                try Envelope.checked { () throws(MailboxError) in try Mailbox(recipient) })
        }
        guard rest.isEmpty else { throw .malformed }
    }

    /// The envelope as qmail-queue reads it from descriptor 1.
    public var queueFormat: [UInt8] {
        var bytes: [UInt8] = [0x46]
        bytes += reversePath.bytes
        bytes.append(0)
        for recipient in recipients {
            bytes.append(0x54)
            bytes += recipient.bytes
            bytes.append(0)
        }
        bytes.append(0)
        return bytes
    }

    /// Takes one record off the front; nil at the NUL that ends the recipients.
    private static func record(
        of kind: UInt8, from rest: inout ArraySlice<UInt8>
    ) throws(EnvelopeError) -> ArraySlice<UInt8>? {
        guard let first = rest.popFirst() else { throw .cutShort }
        if first == 0, kind == 0x54 { return nil }
        guard first == kind else { throw .malformed }
        guard let end = rest.firstIndex(of: 0) else { throw .cutShort }
        defer { rest = rest[(end + 1)...] }
        return rest[..<end]
    }

    private static func checked<Address>(
        _ make: () throws(MailboxError) -> Address
    ) throws(EnvelopeError) -> Address {
        do {
            return try make()
        } catch {
            throw error == .tooLong ? .addressTooLong : .malformed
        }
    }
}
