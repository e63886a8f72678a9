// SPFResult: what a check of a sender's policy comes to.
// RFC 7208, section 2.6.
// SPDX-License-Identifier: MIT

public import MailModel

/// The seven results.
public enum SPFResult: String, CaseIterable, Sendable {
    /// The domain has no policy, or there is no domain.
    case none
    /// The domain says nothing about the client.
    case neutral
    /// The client may use the domain.
    case pass
    /// The client may not use the domain.
    case fail
    /// The client probably may not.
    case softfail
    /// Not known for now: the DNS failed, or time ran out.
    case temperror
    /// The domain's policy cannot be understood.
    case permerror
}

/// Whose name is checked.
public enum SPFIdentity: String, CaseIterable, Sendable {
    /// The domain of the reverse-path; for a null one that of HELO. RFC 7208, section 2.4.
    case mailfrom
    /// The argument of HELO. RFC 7208, section 2.3.
    case helo
}

/// One client that uses one identity.
public struct SPFQuestion: Hashable, Sendable {
    /// The client's address.
    public let client: IPAddress
    /// The argument of HELO or EHLO; empty when it was not given.
    public let helo: [UInt8]
    /// Which identity is checked.
    public let identity: SPFIdentity
    /// The address that is checked: local-part@domain, `postmaster` where there is no local-part.
    public let sender: Mailbox

    /// A question about this identity; nil when it has no address, such as a HELO that was not
    /// given or cannot stand in a mailbox.
    public init?(
        client: IPAddress, helo: [UInt8], reversePath: ReversePath, identity: SPFIdentity
    ) {
        self.client = client
        self.helo = helo
        self.identity = identity
        let host = Array("postmaster@".utf8) + helo
        let sender = identity == .helo ? nil : reversePath.mailbox
        guard let sender else {
            guard !helo.isEmpty, let mailbox = try? Mailbox(host) else { return nil }
            self.sender = mailbox
            return
        }
        let isWhole = sender.domain != nil && !sender.localPart.isEmpty
        // RFC 7208, section 4.3: postmaster where the sender has no local-part.
        let repaired = sender.domain.map { Array("postmaster@".utf8) + $0 } ?? sender.bytes
        guard let mailbox = isWhole ? sender : try? Mailbox(repaired) else { return nil }
        self.sender = mailbox
    }

    /// The domain that is checked, without a final dot; empty where the sender has none.
    public var domain: [UInt8] {
        let domain = Array(sender.domain ?? [])
        return domain.last == 0x2E ? domain.dropLast() : domain
    }
}

/// What a check found, and what it rests on.
public struct SPFFinding: Hashable, Sendable {
    /// What was asked.
    public let question: SPFQuestion
    /// The result.
    public let result: SPFResult
    /// The mechanism that decided, as the domain wrote it; `default` when none matched; nil when
    /// no policy was evaluated to its end.
    public let mechanism: String?
    /// The domain's own words for a fail; nil without a fail, and where the domain says nothing.
    public let explanation: String?
    /// Why the result is none, temperror or permerror.
    public let problem: String?
    /// Terms that took look-ups, at most `SenderPolicy.maximumLookups` of them.
    public let lookups: Int
    /// Terms whose look-up found nothing.
    public let voidLookups: Int
    /// Every question to the DNS, such as `TXT example.org`.
    public let queries: [String]
    /// How many of these were answered from memory.
    public let remembered: Int
    /// True when the local policy decided and not the domain's.
    public var isLocal = false
}
