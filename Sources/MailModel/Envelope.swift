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

/// A reverse-path and recipients in the order they were given.
public struct Envelope: Hashable, Sendable {
    /// Where reports go.
    public var reversePath: ReversePath
    /// The accepted recipients; may be empty at the early stages of a session.
    public var recipients: [Mailbox]

    /// An envelope of these parts.
    public init(reversePath: ReversePath, recipients: [Mailbox] = []) {
        self.reversePath = reversePath
        self.recipients = recipients
    }

    /// Reads `F` reverse-path NUL, then `T` recipient NUL for each recipient, then NUL.
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
