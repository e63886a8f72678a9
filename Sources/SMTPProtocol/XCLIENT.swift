// XCLIENT: a proxy that is trusted says who the client really is.
// https://www.postfix.org/XCLIENT_README.html
// SPDX-License-Identifier: MIT

import MailModel

/// What XCLIENT said that no command of the proxy's own changes.
struct ClaimedClient: Equatable {
    var login: [UInt8]?
    var helo: [UInt8]?
    var isExtended: Bool?
    /// True when the proxy does not know the client's address. Its own stays, since without any the
    /// message would count as one of this host.
    var isUnknown = false
}

extension ServerSession {
    /// The names in a verified certificate of the client. One that a proxy has shown is not that of
    /// the client behind it.
    public var peerNames: [[UInt8]] { claimed == nil ? tls?.peerNames ?? [] : [] }

    mutating func xclient(_ argument: ArraySlice<UInt8>) -> SessionStep {
        guard settings.allowsXCLIENT else { return failed(.unknownCommand) }
        guard transaction == nil else { return failed(.inTransaction) }
        guard !argument.isEmpty else { return failed(.badXCLIENT) }
        var claim = Claim(facts: facts, client: claimed ?? ClaimedClient())
        for word in argument.split(separator: 0x20, omittingEmptySubsequences: false) {
            guard claim.take(word) else { return failed(.badXCLIENT) }
        }
        claim.finish()
        pending = .identity(claim)
        return .identify(claim.facts)
    }

    /// The step after the driver said whether the client that XCLIENT named may relay, and what is
    /// then appended to its recipients. The session begins again.
    public mutating func identified(relay: [UInt8]?) -> SessionStep {
        if case .forwarded(let claim) = pending {
            pending = .nothing
            return forwarded(claim, relay: relay)
        }
        guard case .identity(let claim) = pending else { return .reply(.outOfStep) }
        forgetClient()
        claimed = claim.client
        facts = claim.facts
        // The certificate is the proxy's.
        facts[.tlsPeer] = nil
        // Nobody knows who it is: it must not have what the proxy may have.
        ownRelay = claim.client.isUnknown ? nil : relay
        facts[.relay] = ownRelay
        if let login = claim.client.login { become(login) }
        connectEdits = []
        isDiscarded = false
        return start()
    }
}

/// What is known while the attributes of XCLIENT are read.
struct Claim {
    /// Those of the client that it tells of.
    private(set) var facts: Facts
    private(set) var client: ClaimedClient
    private var given: Set<String> = []

    static let attributes = [
        "NAME", "ADDR", "PORT", "PROTO", "HELO", "LOGIN", "DESTADDR", "DESTPORT",
    ]

    init(facts: Facts, client: ClaimedClient) {
        self.facts = facts
        self.client = client
        for name in [FactName.helo, .protocolName, .authUser] { self.facts[name] = nil }
    }

    /// Takes `NAME=value`; false when it is not right.
    mutating func take(_ text: ArraySlice<UInt8>) -> Bool {
        guard let attribute = ClaimedAttribute(text), Claim.attributes.contains(attribute.name),
            given.insert(attribute.name).inserted
        else { return false }
        return take(attribute.name, attribute.value)
    }

    private mutating func take(_ name: String, _ value: [UInt8]?) -> Bool {
        switch name {
        case "NAME":
            // It goes into trace fields.
            guard value.map(ServerSession.isHELOName) ?? true, value?.first != 0x5B else {
                return false
            }
            facts[.clientName] = value
        case "ADDR":
            client.isUnknown = value == nil
            return value.map { address($0, .clientIP) } ?? true
        case "PORT": return port(value, .clientPort)
        case "DESTADDR": return value.map { address($0, .localIP) } ?? true
        case "DESTPORT": return port(value, .localPort)
        case "LOGIN": client.login = value
        case "HELO": client.helo = value
        default: return proto(value)
        }
        return true
    }

    /// Forgets of another client what was known of the one before.
    mutating func finish() {
        guard given.contains("ADDR") else { return }
        facts[.clientInfo] = nil
        if !given.contains("NAME") { facts[.clientName] = nil }
        if !given.contains("PORT") { facts[.clientPort] = nil }
        if !given.contains("LOGIN") { client.login = nil }
        if !given.contains("HELO") { client.helo = nil }
        if !given.contains("PROTO") { client.isExtended = nil }
    }

    /// `192.0.2.1` or `IPV6:2001:db8::1`.
    private mutating func address(_ value: [UInt8], _ name: FactName) -> Bool {
        let isTagged = value.prefix(5).equalsIgnoringASCIICase("IPV6:".utf8)
        guard let address = IPAddress(value.dropFirst(isTagged ? 5 : 0)) else { return false }
        facts[name] = Array("\(address)".utf8)
        return true
    }

    private mutating func port(_ value: [UInt8]?, _ name: FactName) -> Bool {
        if let value {
            guard let number = value.decimalValue, number <= 65_535 else { return false }
            facts[name] = Array("\(number)".utf8)
        } else {
            facts[name] = nil
        }
        return true
    }

    private mutating func proto(_ value: [UInt8]?) -> Bool {
        client.isExtended = value.map { $0.equalsIgnoringASCIICase("ESMTP".utf8) }
        return value == nil || client.isExtended == true
            || value?.equalsIgnoringASCIICase("SMTP".utf8) == true
    }
}
