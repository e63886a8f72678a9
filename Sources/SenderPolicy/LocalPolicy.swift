// LocalPolicy: what this host lets pass although a domain does not.
// spf-check(8), option --local-policy.
// SPDX-License-Identifier: MIT

/// Terms of our own that are evaluated where a domain's policy does not let a client pass, as if
/// the domain had published them: qmail's spfrules.
public struct LocalPolicy: Sendable {
    let policy: Policy

    /// Reads directives, divided by spaces, as in a record.
    /// - Throws: `PolicySyntaxError` also for modifiers, which have no place here.
    public init(_ terms: [UInt8]) throws(PolicySyntaxError) {
        policy = try Policy(record: Array("v=spf1 ".utf8) + terms)
        guard policy.redirect == nil, policy.explanation == nil else {
            throw PolicySyntaxError("redirect and exp have no place in a local policy")
        }
        guard !policy.directives.isEmpty else { throw PolicySyntaxError("no terms") }
    }
}

extension SPFFinding {
    /// True where the local policy is asked.
    var yields: Bool {
        switch result {
        case .none, .neutral, .softfail, .fail: true
        case .pass, .temperror, .permerror: false
        }
    }

    /// What both policies come to. A local policy that cannot be evaluated now might have let the
    /// client pass: that is not known. One that never can be changes nothing.
    func joined(with local: SPFFinding) -> SPFFinding {
        let isMatch = local.mechanism != nil && local.mechanism != "default"
        let decides = isMatch || local.result == .temperror
        let trouble = local.problem.map { "local policy: \($0)" }
        return SPFFinding(
            question: question, result: decides ? local.result : result,
            mechanism: decides ? local.mechanism : mechanism,
            explanation: decides ? nil : explanation,
            problem: decides ? trouble : problem ?? trouble,
            lookups: lookups + local.lookups, voidLookups: voidLookups + local.voidLookups,
            queries: queries + local.queries, remembered: remembered + local.remembered,
            isLocal: decides)
    }
}
