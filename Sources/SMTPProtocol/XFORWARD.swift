// XFORWARD: a server whose filter we are says for whom it speaks.
// https://www.postfix.org/XFORWARD_README.html
// SPDX-License-Identifier: MIT

import MailModel

extension ServerSession {
    /// True when a server in front has said for whom it speaks.
    public var speaksForAnother: Bool { ownFacts != nil }

    mutating func xforward(_ argument: ArraySlice<UInt8>) -> SessionStep {
        guard settings.allowsXFORWARD else { return failed(.unknownCommand) }
        guard transaction == nil else { return failed(.inTransaction) }
        guard hasGreeted else { return failed(.needsHELO) }
        guard !argument.isEmpty else { return failed(.badXFORWARD) }
        var claim = ForwardedClaim(facts, isFirst: ownFacts == nil, isLocal: isFromNobody)
        for word in argument.split(separator: 0x20, omittingEmptySubsequences: false) {
            guard claim.take(word) else { return failed(.badXFORWARD) }
        }
        pending = .forwarded(claim)
        return .identify(claim.facts)
    }

    /// What the server in front said holds until the end of the next transaction.
    mutating func forwarded(_ claim: ForwardedClaim, relay: [UInt8]?) -> SessionStep {
        if ownFacts == nil { ownFacts = facts }
        facts = claim.facts
        facts[.relay] = relay
        isFromNobody = claim.isLocal
        return .reply(.forwardedOK)
    }

    /// A client whose address the server in front does not know has that server's: without any it
    /// would count as none.
    mutating func settleClient() {
        guard let ownFacts, facts[.clientIP] == nil, !isFromNobody else { return }
        facts[.clientIP] = ownFacts[.clientIP]
    }

    /// The server in front speaks for itself again.
    mutating func forgetForwarded() {
        guard let own = ownFacts else { return }
        ownFacts = nil
        isFromNobody = false
        facts = own
    }

    /// The steps that judge the client itself are asked when it is known who that is: the first
    /// of them at MAIL.
    mutating func judgeClient(_ new: Transaction, at stage: Stage) -> SessionStep {
        pending = .client(new, stage)
        return .judge(
            FilterRequest(
                stage: stage, facts: facts(of: new), edits: pendingEdits + new.edits))
    }

    /// The step after they were.
    mutating func clientJudged(
        _ verdict: Verdict, _ candidate: Transaction, _ stage: Stage
    ) -> SessionStep {
        var new = candidate
        switch verdict {
        case .reject(let reply), .defer(let reply):
            messages &+= 1
            return refuse(new, SMTPReply(reply))
        case .accept(let edits): new.edits += edits
        case .discard: return mailJudged(.discard, new)
        }
        return stage == .connect ? judgeClient(new, at: .helo) : judgeMail(new)
    }
}

/// What is known while the attributes of XFORWARD are read.
struct ForwardedClaim {
    private(set) var facts: Facts
    /// True when the server in front counts the client as its own.
    private(set) var isLocal: Bool
    private var given: Set<String> = []

    init(_ facts: Facts, isFirst: Bool, isLocal: Bool) {
        self.facts = facts
        self.isLocal = isLocal
        guard isFirst else { return }
        for name in FactName.allCases where ForwardedClaim.isOfClient(name) {
            self.facts[name] = nil
        }
    }

    /// True for what is known of a client and not of our end, or of the session.
    private static func isOfClient(_ name: FactName) -> Bool {
        switch name {
        case .clientIP, .clientPort, .clientName, .clientInfo, .earlyTalker, .helo, .authUser,
            .relay, .protocolName, .tlsVersion, .tlsCipher, .tlsServerName, .tlsPeer:
            true
        case .localIP, .localPort, .localName, .session, .message, .bodyType, .declaredSize: false
        }
    }

    /// Takes `NAME=value`; false when it is not right.
    mutating func take(_ text: ArraySlice<UInt8>) -> Bool {
        guard let attribute = ClaimedAttribute(text), given.insert(attribute.name).inserted
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
            guard let value else { return true }
            let isTagged = value.prefix(5).equalsIgnoringASCIICase("IPV6:".utf8)
            guard let address = IPAddress(value.dropFirst(isTagged ? 5 : 0)) else { return false }
            facts[.clientIP] = Array("\(address)".utf8)
        case "PORT":
            guard value.map({ ($0.decimalValue ?? .max) <= 65_535 }) ?? true else { return false }
            facts[.clientPort] = value
        case "HELO": facts[.helo] = value
        case "PROTO": facts[.protocolName] = value
        // The id that the message has there.
        case "IDENT": break
        case "SOURCE": return source(value)
        default: return false
        }
        return true
    }

    /// Postfix says LOCAL of its own programs, which have no address, and of clients of its own host.
    private mutating func source(_ value: [UInt8]?) -> Bool {
        guard let value else { return true }
        isLocal = value.equalsIgnoringASCIICase("LOCAL".utf8)
        return isLocal || value.equalsIgnoringASCIICase("REMOTE".utf8)
    }
}

extension ServerSession {
    /// What XFORWARD takes.
    static let forwardedAttributes = ["NAME", "ADDR", "PORT", "PROTO", "HELO", "IDENT", "SOURCE"]
}
