// Presence: what can be said of a mailbox.
// rcpt-validate(8).
// SPDX-License-Identifier: MIT

/// Where mail for a mailbox is delivered, as far as its source says.
public enum Place: Hashable, Sendable {
    /// The Maildir at this path.
    case maildir(String)
    /// What the instructions in the file at this path say: a dot-qmail file.
    case instructions(String)
    /// The source knows that the mailbox exists, and not where: another server, an alias, a table
    /// without a path.
    case elsewhere
}

/// What a source says of a mailbox. That it cannot say is an error, never one of these.
public enum Presence: Hashable, Sendable {
    /// The mailbox exists.
    case exists(Place)
    /// The mailbox exists and has no room: 552 5.2.2, or 452 4.2.2. Only where the settings ask for
    /// quotas.
    case overQuota(Place)
    /// The mailbox is there and takes no mail, such as one with vpopmail's flag BOUNCE_MAIL:
    /// 550 5.2.1 (RFC 3463, section 3.3: mailbox disabled).
    case refused
    /// The domain is the source's and has no such mailbox: 550 5.1.1.
    case noSuchMailbox
    /// The source does not know the domain: the next source is asked.
    case unknownDomain
}
