// SessionSettings: what the administrator chose for a session.
// smtp-server(8).
// SPDX-License-Identifier: MIT

/// Names and limits of a session; every limit has its default here.
public struct SessionSettings: Hashable, Sendable {
    /// Our name: first word of the greeting and of the reply to HELO and EHLO.
    public var name: String
    /// The greeting after the code; its first word should be `name`.
    public var greeting: String
    /// The domain of `<Postmaster>` without one.
    public var postmasterDomain: String
    /// The domain of recipients at our own address, as in `<postmaster@[192.0.2.1]>`.
    public var literalDomain: String
    /// The most bytes of a message as RFC 1870 counts them; 0 for no limit.
    public var messageSize = 0
    /// The most recipients of a message. RFC 5321, section 4.5.3.1.8, wants at least 100.
    public var recipients = 1000
    /// Commands of a session, those in error included; 0 for no limit.
    public var commands = 10_000
    /// The most transactions of a session; 0 for no limit.
    public var transactions = 0
    /// Commands that were in error before the session is ended.
    public var errors = 20
    /// The longest line of a message, in bytes without CRLF: 16 MiB. RFC 5321 promises 998, but
    /// refusing what is longer would refuse much mail that all others take.
    public var messageLine = 16 << 20
    /// What a line may have at least. RFC 5321, section 4.5.3.1.6.
    public static let promisedLine = 998
    /// True on a port for submission. RFC 6409.
    public var isSubmission = false
    /// True when STARTTLS is there.
    public var offersTLS = false
    /// True when nothing is done before TLS. RFC 3207, section 4.
    public var requiresTLS = false
    /// The mechanisms of AUTH under TLS, in capitals.
    public var mechanismsUnderTLS: [String] = []
    /// Those without TLS.
    public var mechanismsInClear: [String] = []
    /// True when only authenticated clients, and those that may relay anyway, may say MAIL.
    public var requiresAuth = false
    /// True when authenticated users may not use every reverse-path.
    public var limitsSenders = false
    /// True when REQUIRETLS is offered under TLS.
    public var offersRequireTLS = true
    /// True when this client may say XCLIENT.
    public var allowsXCLIENT = false
    /// True when this client may say XFORWARD: a server whose filter we are. What it gives it has
    /// accepted itself.
    public var allowsXFORWARD = false
    /// True when each command that is accepted goes to a server behind, in the place of a queue.
    public var passes = false
    /// What that can do.
    public var behind = ExtensionsBehind.all
    /// What becomes of a bare LF in a message of this client.
    public var bareLineFeed = BareLineFeed.refused
    /// How long paths may be.
    public var paths = PathLimits()

    /// The defaults for a server of this name.
    public init(name: String) {
        self.name = name
        greeting = "\(name) ESMTP"
        postmasterDomain = name
        literalDomain = name
    }
}

/// What becomes of an LF without CR in a message.
public enum BareLineFeed: Hashable, Sendable {
    /// The message is refused.
    case refused
    /// It counts as CRLF before anything looks at the message, but never for the end.
    case mended
}
