// DestinationSecurity: what is asked of TLS before a host is given mail.
// deliver-remote(8), section TLS.
// SPDX-License-Identifier: MIT

public import MailModel
public import Resolver
public import SMTPClient
public import UnixIO

/// How a host came to be a candidate.
public struct HostIdentity: Hashable, Sendable {
    /// Its name as the MX record, the route or the domain has it; nil for an address.
    public var host: DomainName?
    /// Where aliases lead from that name.
    public var canonicalName: DomainName?
    /// True when `control/smtproutes` names it.
    public var isRouted = false
    /// True when it is certain that it is the domain's host: DNSSEC or a route says so.
    public var isSecure = false
    /// True when DNSSEC vouches for its address.
    public var hasSecureAddress = false
}

/// A host that is about to be connected to, and for what.
public struct SecurityQuestion: Sendable {
    /// Where the recipients are, in lower case.
    public var domain: [UInt8]
    /// Who the host is.
    public var identity: HostIdentity
    /// Its address.
    public var address: IPAddress
    /// Its port.
    public var port: UInt16
    /// True when the message may only go under TLS with a host that is who it should be, and that
    /// asks the same of the next one. RFC 8689.
    public var requiresTLS: Bool
}

/// What a host's security comes to before it is connected to.
public enum HopDecision {
    /// It must not be given the message now; this is why.
    case refuse(Reply)
    /// It may be tried.
    case use(any HopSecurity)
}

/// Knows what is asked of TLS with any host.
public protocol DestinationSecurity {
    /// Finds out what holds for a host. It is asked anew for each connection.
    func decide(_ question: SecurityQuestion, deadline: Deadline) -> HopDecision
}

/// The security of sessions with one host.
public protocol HopSecurity: AnyObject {
    /// Brings a new session to where mail can be sent: greeting, EHLO and TLS as it must be.
    /// - Returns: why the host must not be given the message; nil when it may.
    /// - Throws: `ClientError`; the session is of no use then.
    func open(_ session: inout ClientSession, as name: [UInt8]) throws(ClientError) -> Reply?

    /// True when, after `open` has thrown this, another connection may be made without TLS; the
    /// next session is opened in clear then.
    func goesOnInClear(after error: ClientError) -> Bool

    /// What the log says of the session with each recipient.
    var facts: [(key: String, value: String?)] { get }
}
