// EnvelopeChanges: what the MTA has of an envelope, and what it is to have.
// RFC 5321, section 4.1.2.
// SPDX-License-Identifier: MIT

import MailModel
import SMTPProtocol

/// A recipient that the MTA has accepted.
struct MilterRecipient {
    /// The argument of RCPT, by which the MTA knows it.
    let argument: [UInt8]
    /// The mailbox that it is.
    let mailbox: Mailbox
}

/// An address of the wire that no MTA can be told.
struct UnspeakableAddress: Error {
    let bytes: [UInt8]
}

enum MilterAddress {
    /// The reverse-path that MAIL's argument is, `<ADDRESS>` mostly. What is not of the grammar is
    /// taken as it is: the MTA has accepted it.
    static func reversePath(_ argument: [UInt8]) throws(MailboxError) -> ReversePath {
        var rest = argument[...]
        if let path = try? PathSyntax.reversePath(from: &rest, utf8: true), rest.isEmpty {
            return path
        }
        return try ReversePath(bare(argument))
    }

    /// The mailbox that RCPT's argument is.
    static func mailbox(_ argument: [UInt8]) throws(MailboxError) -> Mailbox {
        var rest = argument[...]
        if let path = try? PathSyntax.forwardPath(from: &rest, utf8: true), rest.isEmpty {
            return path
        }
        return try Mailbox(bare(argument))
    }

    /// Without angle brackets.
    private static func bare(_ argument: [UInt8]) -> ArraySlice<UInt8> {
        guard argument.first == 0x3C, argument.last == 0x3E, argument.count > 1 else {
            return argument[...]
        }
        return argument.dropFirst().dropLast()
    }

    /// The address in angle brackets, for the MTA.
    static func path(_ mailbox: Mailbox) throws(UnspeakableAddress) -> [UInt8] {
        if let path = PathSyntax.path(of: mailbox, utf8: true) { return path }
        // A user of the MTA's own host.
        guard mailbox.domain == nil,
            mailbox.bytes.allSatisfy({
                $0.isASCIILetter || $0.isASCIIDigit || "-_.+".utf8.contains($0)
            })
        else { throw UnspeakableAddress(bytes: mailbox.bytes) }
        return [0x3C] + mailbox.bytes + [0x3E]
    }
}

extension [MilterChange] {
    /// What makes the MTA's envelope another.
    static func changing(
        from path: ReversePath, _ recipients: [MilterRecipient], to envelope: Envelope
    ) throws(UnspeakableAddress) -> [MilterChange] {
        var changes: [MilterChange] = []
        if envelope.reversePath != path {
            changes.append(
                .reversePath(
                    try envelope.reversePath.mailbox.map { mailbox throws(UnspeakableAddress) in
                        try MilterAddress.path(mailbox)
                    } ?? [0x3C, 0x3E]))
        }
        let wanted = Set(envelope.recipients)
        var removed: Set<[UInt8]> = []
        for recipient in recipients
        where !wanted.contains(recipient.mailbox) && removed.insert(recipient.argument).inserted {
            changes.append(.removeRecipient(recipient.argument))
        }
        var known = Set(recipients.map(\.mailbox))
        for mailbox in envelope.recipients where known.insert(mailbox).inserted {
            changes.append(.addRecipient(try MilterAddress.path(mailbox)))
        }
        return changes
    }
}
