// Transaction: a mail transaction, from MAIL to the reply after the message.
// RFC 5321, section 3.3.
// SPDX-License-Identifier: MIT

import MailModel

/// What is known of the message that is being given.
struct Transaction {
    /// The id that the message will have.
    let id: QueueID
    /// What MAIL and RCPT gave, with the changes that filters made to single recipients.
    var envelope: Envelope
    /// Edits by the server itself, such as its trace field. They come before all others.
    var serverEdits: [Edit] = []
    /// Edits by steps of this transaction, in order.
    var edits: [Edit] = []
    /// Why MAIL was refused that was answered yes: the reply to each RCPT.
    var refusal: SMTPReply?
    /// What MAIL's parameters said.
    var parameters = MailParameters()
    /// RCPT commands that got 250: more than `envelope` holds when a filter discards some.
    var acceptedRecipients = 0
    /// True when RCPT was given at all.
    var hasTriedRecipients = false
    /// Octets of the message that BDAT has announced so far; nil before the first BDAT.
    var octets: Int?
    /// True when the message is to be thrown away with a kind word.
    var isDiscarded = false
}

/// What the parameters of MAIL said.
struct MailParameters {
    /// SIZE=, in bytes. RFC 1870.
    var size: Int?
    /// PRDR was given.
    var wantsPRDR = false
    /// What goes on with the message.
    var options = EnvelopeOptions()
}

/// What RCPT said, until it is judged.
struct RecipientCandidate {
    var mailbox: Mailbox
    var options = RecipientOptions()
}
