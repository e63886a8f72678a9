// spf-check: asks the sender's domain whether the client may use it.
// spf-check(8); RFC 7208.
// SPDX-License-Identifier: MIT

import Control
import FilterKit
import MailModel
import Resolver
import SenderPolicy
import UnixIO

@main struct SPFCheck: Filter {
    static let name = "spf-check"
    static let summary = "Asks the sender's domain whether the client may use it (RFC 7208)."
    static let options: [Usage.Option] = [
        .value("reject", "LIST", "results to reject, with commas, or an empty list (fail)"),
        .value("defer", "LIST", "results to defer (temperror)"),
        .value("identity", "WHAT", "mailfrom (the default), helo, or both"),
        .values("resolver", "ADDRESS[:PORT]", "ask this resolver"),
        .value("timeout", "TIME", "for one check as a whole (20s)"),
        .value("receiver", "NAME", "our name (control/me, else the host's)"),
        .value("local-policy", "TERMS", "what may pass although its domain does not let it"),
        .value("behavior", "0-6", "qmail's spfbehavior, instead of --reject and --defer"),
        .value("header", "FIELD", "received-spf (the default), authentication-results, both, none"),
        .value("cache", "SIZE", "memory of each worker for answers of the DNS (4M)"),
        .root,
    ]

    enum Identities: String, CaseIterable {
        case mailfrom
        case helo
        case both

        var all: [SPFIdentity] {
            switch self {
            case .mailfrom: [.mailfrom]
            case .helo: [.helo]
            case .both: [.helo, .mailfrom]
            }
        }
    }

    private let action: Action
    private let fields: TraceFields
    private let identities: Identities
    private let policy: SenderPolicy
    private let receiver: [UInt8]
    private var cache: AnswerCache

    static func main() { FilterMain.run(Self.self) }

    init(_ setup: Setup) throws {
        let options = setup.options
        let control = Root(options).control
        action = try Action(options)
        fields = try options.choice("header", TraceFields.self) ?? .receivedSPF
        cache = AnswerCache(limit: try options.size("cache") ?? AnswerCache.defaultLimit)
        identities = try options.choice("identity", Identities.self) ?? .mailfrom
        receiver = try options.bytes("receiver") ?? control.meOrHost()
        policy = SenderPolicy(
            resolver: Resolver(servers: try Resolver.servers(options, control)),
            receiver: receiver, timeout: try options.duration("timeout") ?? .seconds(20),
            localPolicy: try SPFCheck.localPolicy(options))
    }

    mutating func judge(
        _ request: borrowing Request, _ evidence: inout Evidence
    ) throws(FilterError) -> Verdict {
        guard let client = request.facts.clientIP, !request.facts.mayRelay else {
            evidence["skipped"] = request.facts.mayRelay ? "the client may relay" : "no client"
            return .accept
        }
        guard !action.isOff else {
            evidence["skipped"] = "behavior 0"
            return .accept
        }
        var edits = fields.hasResults ? try request.removalOfForgedResults(receiver) : []
        for identity in identities.all {
            // A check of HELO alone needs no envelope.
            let path = request.reversePath ?? .null
            let question = SPFQuestion(
                client: client, helo: request.facts[.helo] ?? [], reversePath: path,
                identity: identity)
            guard let question else {
                // Neither a reverse-path nor HELO: there is nobody to ask.
                evidence.log("result", SPFResult.none.rawValue)
                edits.append(.note(name: "spf", value: Array(SPFResult.none.rawValue.utf8)))
                continue
            }
            let finding = policy.check(question, cache: &cache)
            finding.record(in: &evidence)
            if let refusal = action.refusal(finding) { return refusal }
            edits += fields.edits(finding, receiver, isOfHelo: identity == .helo || path.isNull)
            edits.append(.note(name: "spf", value: Array(finding.result.rawValue.utf8)))
        }
        return .accept(edits)
    }

    private static func localPolicy(_ options: Options) throws(UsageError) -> LocalPolicy? {
        guard let terms = options.bytes("local-policy") else { return nil }
        do throws(PolicySyntaxError) {
            return try LocalPolicy(terms)
        } catch {
            throw UsageError("--local-policy \(terms.printable): \(error)")
        }
    }
}

extension SPFFinding {
    /// Says what was found, and why.
    func record(in evidence: inout Evidence) {
        evidence.log("result", result.rawValue)
        evidence.log("domain", question.domain.printable)
        evidence.log("identity", question.identity.rawValue)
        evidence["mechanism"] = mechanism.map(JSON.text) ?? .null
        evidence["explanation"] = explanation.map(JSON.text) ?? .null
        if let problem { evidence.log("problem", problem) }
        if isLocal { evidence["local_policy"] = true }
        evidence["lookups"] = .number(lookups)
        evidence["void_lookups"] = .number(voidLookups)
        evidence["queries"] = .list(queries.map(JSON.text))
        if remembered > 0 { evidence["remembered"] = .number(remembered) }
    }
}
