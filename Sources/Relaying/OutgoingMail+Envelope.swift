// The envelope of a message in the form in which a server behind is told of it.
// RFC 5321, section 4.1.2; RFC 6531, section 3.5.
// SPDX-License-Identifier: MIT

public import MailModel
public import SMTPClient
import SMTPProtocol

/// An address that has no form on the wire.
public struct UnsendableAddress: Error, Sendable {
    /// What is said of it.
    public let reply: Reply
}

extension OutgoingMail {
    /// The transaction for an envelope, of which nothing is known but the envelope.
    /// - Throws: `UnsendableAddress`.
    public init(_ envelope: Envelope) throws(UnsendableAddress) {
        var options = envelope.options
        let mailboxes = envelope.recipients + (envelope.reversePath.mailbox.map { [$0] } ?? [])
        // Only then they are addresses at all.
        if mailboxes.contains(where: { $0.bytes.contains { $0 >= 0x80 } }) {
            options.smtputf8 = true
        }
        var reversePath: [UInt8] = [0x3C, 0x3E]
        if let mailbox = envelope.reversePath.mailbox {
            reversePath = try Self.path(mailbox, EnhancedStatus(5, 1, 7), options)
        }
        var paths: [[UInt8]] = []
        for mailbox in envelope.recipients {
            paths.append(try Self.path(mailbox, EnhancedStatus(5, 1, 3), options))
        }
        self.init(reversePath: reversePath, forwardPaths: paths)
        self.options = options
        hasEightBit = options.bodyType == .eightBitMIME
        recipientOptions = envelope.recipients.indices.map { envelope.options(ofRecipient: $0) }
    }

    private static func path(
        _ mailbox: Mailbox, _ status: EnhancedStatus, _ options: EnvelopeOptions
    ) throws(UnsendableAddress) -> [UInt8] {
        guard let path = PathSyntax.path(of: mailbox, utf8: options.smtputf8) else {
            throw UnsendableAddress(reply: Reply(553, status, "\(mailbox) cannot be sent"))
        }
        return path
    }
}
