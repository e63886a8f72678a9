// ReversePath: where reports about a message go.
// RFC 5321, sections 3.6.3 and 4.5.5.
// SPDX-License-Identifier: MIT

/// The reverse-path of an envelope: a mailbox, or nobody.
public enum ReversePath: Hashable, Sendable, CustomStringConvertible {
    /// `<>`: no report may be sent.
    case null
    /// The mailbox that reports go to.
    case mailbox(Mailbox)

    /// Takes the address of an envelope, where no byte at all means the null reverse-path.
    @inlinable
    public init(_ bytes: some Collection<UInt8>) throws(MailboxError) {
        self = bytes.isEmpty ? .null : .mailbox(try Mailbox(bytes))
    }

    /// True for `<>`.
    public var isNull: Bool { self == .null }

    /// The address as an envelope holds it; empty for the null reverse-path.
    public var bytes: [UInt8] {
        switch self {
        case .null: []
        case .mailbox(let mailbox): mailbox.bytes
        }
    }

    /// The mailbox, or nil for the null reverse-path.
    public var mailbox: Mailbox? {
        if case .mailbox(let mailbox) = self { mailbox } else { nil }
    }

    /// The path in angle brackets, for a log line or a trace field.
    public var description: String { "<\(bytes.printable)>" }
}
