// Refusal: every reply that rcpt-validate gives by itself.
// RFC 3463, section 3; RFC 7505, section 4.2; RFC 5321, section 4.2.3.
// SPDX-License-Identifier: MIT

import MailModel

/// Why mail is not taken, and the reply that says so. That a source or the DNS did not say is an
/// error, and its reply FilterKit's: 451 4.3.0 for a source, 451 4.4.0 for the DNS.
enum Refusal {
    case badRecipient(Mailbox)
    case noSuchMailbox(Mailbox)
    case disabled(Mailbox)
    case full(Mailbox)
    case fullForNow(Mailbox)
    case notOurs(Mailbox)
    case badSender(Mailbox)
    case noSenderDomain(Mailbox)
    case noSenderDomainForNow(Mailbox)
    case nullMX(Mailbox)
    case nullMXForNow(Mailbox)

    var reply: Reply {
        switch self {
        case .badRecipient(let address): Self.reply(553, 5, 1, 3, "not a valid recipient", address)
        case .noSuchMailbox(let address):
            Self.reply(550, 5, 1, 1, "no mailbox here by that name", address)
        case .disabled(let address):
            Self.reply(550, 5, 2, 1, "this mailbox takes no mail", address)
        case .full(let address): Self.reply(552, 5, 2, 2, "the mailbox is full", address)
        case .fullForNow(let address): Self.reply(452, 4, 2, 2, "the mailbox is full", address)
        case .notOurs(let address): Self.reply(550, 5, 7, 1, "we do not take mail for", address)
        case .badSender(let address): Self.reply(553, 5, 1, 7, "not a valid sender", address)
        case .noSenderDomain(let address):
            Self.reply(550, 5, 1, 8, "the sender's domain has no MX, A or AAAA", address)
        case .noSenderDomainForNow(let address):
            Self.reply(451, 4, 1, 8, "the sender's domain has no MX, A or AAAA", address)
        case .nullMX(let address):
            Self.reply(550, 5, 7, 27, "the sender's domain has a null MX", address)
        case .nullMXForNow(let address):
            Self.reply(451, 4, 7, 27, "the sender's domain has a null MX", address)
        }
    }

    var verdict: Verdict { reply.isPermanent ? .reject(reply) : .defer(reply) }

    private static func reply(
        _ code: UInt16, _ statusClass: UInt8, _ subject: UInt16, _ detail: UInt16, _ text: String,
        _ address: Mailbox
    ) -> Reply {
        // Addresses are bytes of strangers, replies are ASCII.
        let ascii = address.description.utf8.map { $0 < 0x80 ? $0 : 0x3F }
        let name = String(decoding: ascii, as: UTF8.self)
        let divider = text.hasSuffix(" for") ? " " : ": "
        return Reply(
            code, EnhancedStatus(statusClass, subject, detail), "\(text)\(divider)\(name)")
    }
}
