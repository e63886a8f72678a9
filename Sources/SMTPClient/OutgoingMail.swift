// OutgoingMail: one mail transaction as a client sends it.
// RFC 5321, section 3.3.
// SPDX-License-Identifier: MIT

public import MailModel
public import UnixIO

/// A message in pieces. A copy of the value begins where the value stands, so that one that was
/// not yet read can be sent to several servers in turn.
public protocol MessageSource {
    /// The next piece; nil at the end.
    mutating func next() throws(SystemError) -> [UInt8]?
}

/// Paths, and what is known of the message.
public struct OutgoingMail: Sendable {
    /// The reverse-path in angle brackets.
    public var reversePath: [UInt8]
    /// The forward-paths in angle brackets.
    public var forwardPaths: [[UInt8]]
    /// The bytes of the message with CRLF line ends, not counting dots that are doubled
    /// (RFC 1870, section 3); nil when not known.
    public var size: Int?
    /// True when a byte of the message is beyond ASCII.
    public var hasEightBit: Bool
    /// True when such a byte is in a header, of the message or of a part; nil: not known.
    public var hasEightBitHeader: Bool?
    /// True when a line of it is longer than SMTP allows. RFC 5321, section 4.5.3.1.6.
    public var hasLongLines = false
    /// What was asked for the message: RET, ENVID and SMTPUTF8 go on to a server that offers them.
    public var options = EnvelopeOptions()
    /// What was asked for each forward-path, in their order: NOTIFY and ORCPT go on to a server that
    /// offers DSN. Fewer than there are forward-paths when nothing was asked for the others.
    public var recipientOptions: [RecipientOptions] = []

    /// A transaction of these parts.
    public init(
        reversePath: [UInt8], forwardPaths: [[UInt8]], size: Int? = nil, hasEightBit: Bool = false
    ) {
        self.reversePath = reversePath
        self.forwardPaths = forwardPaths
        self.size = size
        self.hasEightBit = hasEightBit
    }

    /// True when only a server that offers SMTPUTF8 may be given this. RFC 6531, section 3.2.
    public var needsUTF8: Bool {
        let isBeyondASCII = { (path: [UInt8]) in path.contains { $0 >= 0x80 } }
        return isBeyondASCII(reversePath) || forwardPaths.contains(where: isBeyondASCII)
            || (options.smtputf8 && (hasEightBitHeader ?? hasEightBit))
    }
}
