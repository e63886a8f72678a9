// Mailbox: an address of an envelope, kept byte for byte as it was given.
// RFC 5321, section 2.3.11, and the looser addresses that qmail's envelopes may hold.
// SPDX-License-Identifier: MIT

/// Why bytes are not a mailbox.
public enum MailboxError: Error, Equatable {
    /// No byte at all: only a reverse-path may be empty.
    case empty
    /// More than `Mailbox.maximumLength` bytes.
    case tooLong
    /// Holds NUL, CR or LF, which no envelope can carry.
    case forbiddenByte
}

/// A local-part and a domain, divided by the last `@`.
///
/// qmail's envelopes also hold addresses without a domain and the senders `#@[]` and `x-@[]`;
/// they are mailboxes here too. The bytes are never changed; two mailboxes are equal when every
/// byte is.
public struct Mailbox: Hashable, Sendable, CustomStringConvertible {
    /// The longest address that an envelope may hold, in bytes. Source: qmail-queue.c.
    public static let maximumLength = 1002

    /// The address without angle brackets.
    public let bytes: [UInt8]

    /// Takes an address as an envelope holds it.
    @inlinable
    public init(_ bytes: some Collection<UInt8>) throws(MailboxError) {
        guard !bytes.isEmpty else { throw .empty }
        guard bytes.count <= Mailbox.maximumLength else { throw .tooLong }
        guard !bytes.contains(where: { $0 == 0 || $0 == 0x0A || $0 == 0x0D }) else {
            throw .forbiddenByte
        }
        self.bytes = Array(bytes)
    }

    /// Everything before the last `@`; the whole address where there is none.
    public var localPart: ArraySlice<UInt8> {
        bytes[..<(bytes.lastIndex(of: 0x40) ?? bytes.endIndex)]
    }

    /// Everything after the last `@`; nil where there is none.
    public var domain: ArraySlice<UInt8>? {
        bytes.lastIndex(of: 0x40).map { bytes[($0 + 1)...] }
    }

    /// The address with the local-part as it is and ASCII letters folded, for look-ups.
    public var folded: [UInt8] { bytes.asciiLowercased }

    /// The address for a log line or a reply.
    public var description: String { bytes.printable }
}
