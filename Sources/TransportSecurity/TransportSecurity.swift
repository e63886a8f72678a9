// TransportSecurity: decides what is asked of TLS with each host that mail goes to.
// deliver-remote(8), section TLS; tlspolicy(5).
// SPDX-License-Identifier: MIT

public import Delivery
import MailModel
public import Resolver
import TLS
public import UnixIO

/// The policy of the administrator, of DANE and of MTA-STS, in this order.
///
/// A worker of a pool has its own after the fork, and asks it one thing at a time; what it
/// remembers is only there to ask the DNS less often.
public final class TransportSecurity: DestinationSecurity, @unchecked Sendable {
    private let configuration: TLSClientConfiguration
    private let resolver: Resolver
    private let sts: STSSource
    private let reporter: TLSReporter?
    private let log = Log(RemoteAgent.name)

    /// Everything as configured.
    public init(_ configuration: TLSClientConfiguration, _ resolver: Resolver) {
        self.configuration = configuration
        self.resolver = resolver
        let store = STSStore(folder: "\(configuration.folder)/mta-sts")
        store.tidy(now: WallClock.seconds)
        sts = STSSource(resolver, store, configuration.fetcher, log)
        let results = TLSResultStore(folder: "\(configuration.folder)/results")
        reporter = configuration.isReporting ? TLSReporter(resolver, results, log) : nil
    }

    /// See `DestinationSecurity`.
    public func decide(_ question: SecurityQuestion, deadline: Deadline) -> HopDecision {
        let host = question.identity.host?.bytes.asciiLowercased
        let policy = configuration.policies.policy(domain: question.domain, host: host)
        switch policy.level {
        case .none:
            guard !question.requiresTLS else { return refuse(requiring: question) }
            return use(HopTerms(demand: .clear), question)
        case .may where !question.requiresTLS:
            return use(HopTerms(demand: .opportunistic), question)
        case .encrypt where !question.requiresTLS:
            return use(HopTerms(demand: .encrypted), question)
        case .fingerprint:
            return use(
                HopTerms(
                    demand: .verified, check: .pins(policy.pins), method: "fingerprint"),
                question)
        case .verify:
            let names = policy.names.isEmpty ? ownNames(question) : policy.names
            return use(verified(names, "verify"), question)
        case .may, .encrypt, .auto, .dane, .daneOnly, .secure:
            return discover(question, policy.level, deadline)
        }
    }

    /// What a certificate must have where no line names it: what the administrator or the sender
    /// has written, never what only the DNS says.
    private func ownNames(_ question: SecurityQuestion) -> [String] {
        let host = question.identity.host.map(\.bytes.asciiLowercased.printable)
        if question.identity.isRouted { return [host ?? "\(question.address)"] }
        let domain = question.domain.printable
        return HostName.isFit(domain) ? [domain, ".\(domain)"] : [domain]
    }

    private func verified(_ names: [String], _ method: String) -> HopTerms {
        HopTerms(
            demand: .verified, check: .authority(names: names, isRequired: true), method: method)
    }
}

extension TransportSecurity {
    /// What the destination says of itself.
    private func discover(
        _ question: SecurityQuestion, _ level: TLSLevel, _ deadline: Deadline
    ) -> HopDecision {
        var isUnusable = false
        switch DANE(resolver: resolver, deadline: deadline).find(question) {
        case .nothing: break
        case .unusable: isUnusable = true
        case .unknown(let name, let error):
            // RFC 7672, section 2.1.1: a host of which the DNS may be lying is as good as gone.
            record(.dnssecInvalid, AppliedPolicy(kind: .tlsa, lines: []), question)
            return .refuse(
                Reply(451, EnhancedStatus(4, 4, 3), "DNS look-up of \(name) for DANE: \(error)"))
        case .records(let records, let names):
            var terms = HopTerms(demand: .verified, check: .records(records, names: names))
            terms.method = "dane"
            terms.serverName = names.first
            terms.policy = AppliedPolicy(kind: .tlsa, lines: records.map(\.description))
            return use(terms, question)
        }
        if level == .daneOnly {
            record(.daneRequired, .none, question)
            return refuse(question, "it has no TLSA records that can be used")
        }
        let finding = level == .dane ? .nothing : stsFinding(question, deadline)
        let mustVerify = level == .secure || question.requiresTLS
        if case .policy(let policy) = finding, policy.mode != .none {
            return follow(policy, question, mustVerify: mustVerify)
        }
        if case .unknown(let failure?) = finding {
            record(failure, AppliedPolicy(kind: .sts, lines: []), question)
        }
        if mustVerify { return withoutPolicy(question, finding) }
        guard isUnusable else { return use(HopTerms(demand: .opportunistic), question) }
        var terms = HopTerms(demand: .encrypted)
        terms.policy = AppliedPolicy(kind: .tlsa, lines: [])
        terms.flaw = .tlsaInvalid
        return use(terms, question)
    }

    /// MTA-STS speaks of the exchangers of a domain, and of no other hosts.
    private func stsFinding(_ question: SecurityQuestion, _ deadline: Deadline) -> STSFinding {
        guard !question.identity.isRouted, question.identity.host != nil else { return .nothing }
        return sts.find(question.domain.printable, deadline: deadline)
    }

    /// RFC 8461, sections 4.1, 4.2 and 5.
    private func follow(
        _ policy: STSPolicy, _ question: SecurityQuestion, mustVerify: Bool
    ) -> HopDecision {
        let host = question.identity.host?.bytes.asciiLowercased.printable ?? ""
        let applied = AppliedPolicy(kind: .sts, lines: policy.lines)
        let isEnforced = policy.mode == .enforce || mustVerify
        let isListed = policy.allows(host)
        guard isListed || !isEnforced else {
            record(.validationFailure, applied, question)
            return refuse(question, "the domain's MTA-STS policy does not list it")
        }
        var terms = HopTerms(demand: isEnforced ? .verified : .opportunistic)
        terms.check = .authority(names: [host], isRequired: isEnforced)
        terms.method = "mta-sts"
        terms.policy = applied
        terms.flaw = isListed ? nil : .validationFailure
        if terms.flaw != nil {
            log.event(
                "tls-not-verified",
                ["host": label(question), "error": "the MTA-STS policy does not list it"])
        }
        return use(terms, question)
    }

    /// Somebody must be verified of whom neither DANE nor MTA-STS says anything.
    private func withoutPolicy(
        _ question: SecurityQuestion, _ finding: STSFinding
    ) -> HopDecision {
        guard question.requiresTLS else {
            return refuse(question, "neither DANE nor MTA-STS says who it must be")
        }
        // RFC 8689, section 4.2.1: where the DNS vouches for the host's name, a certificate for it
        // will do.
        if question.identity.isSecure, let host = question.identity.host {
            return use(verified([host.bytes.asciiLowercased.printable], "pkix"), question)
        }
        if case .unknown = finding {
            return refuse(question, "the domain's MTA-STS policy cannot be had now")
        }
        return refuse(requiring: question)
    }
}

extension TransportSecurity {
    private func use(_ terms: HopTerms, _ question: SecurityQuestion) -> HopDecision {
        var terms = terms
        let host = question.identity.host.map(\.bytes.asciiLowercased.printable)
        if terms.serverName == nil {
            terms.serverName = host.flatMap { HostName.isFit($0) ? $0 : nil }
        }
        terms.requiresTLS = question.requiresTLS
        terms.isImplicit = question.port == 465
        let context =
            terms.demand == .opportunistic && terms.check == .nothing
            ? configuration.lenient : configuration.strict
        let policy = terms.policy
        return .use(
            SecuredHop(terms, context, label: label(question), log) { failure in
                self.record(failure, policy, question)
            })
    }

    private func record(
        _ failure: TLSFailure?, _ policy: AppliedPolicy, _ question: SecurityQuestion
    ) {
        // Of a route of ours nobody wants to hear.
        guard !question.identity.isRouted, let host = question.identity.host else { return }
        let result = TLSResult(
            policy: policy, failure: failure, host: "\(host)".lowercased(),
            address: "\(question.address)")
        reporter?.record(result, question.domain.printable)
    }

    private func refuse(_ question: SecurityQuestion, _ reason: String) -> HopDecision {
        .refuse(
            Reply(
                451, EnhancedStatus(4, 7, 4),
                "TLS must be verified with \(label(question)), and \(reason)"))
    }

    private func refuse(requiring question: SecurityQuestion) -> HopDecision {
        .refuse(
            Reply(
                550, EnhancedStatus(5, 7, 30),
                "REQUIRETLS was asked for, and nothing says who \(label(question)) must be"))
    }

    private func label(_ question: SecurityQuestion) -> String {
        question.identity.host.map { "\($0)" } ?? "\(question.address)"
    }
}
