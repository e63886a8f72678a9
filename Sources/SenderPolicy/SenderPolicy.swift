// SenderPolicy: may this client send mail of this domain?
// RFC 7208, section 4.
// SPDX-License-Identifier: MIT

import CSPF2
import MailModel
public import Resolver
import UnixIO

/// Checks clients against the policies of domains. A value without state.
///
/// libspf2 evaluates the mechanisms and walks through include and redirect. Around it, here: the
/// grammar, the macros, the DNS and its limits, the validated names of `ptr`, and explanations,
/// in all of which libspf2 is not RFC 7208.
public struct SenderPolicy: Sendable {
    /// The most terms that take look-ups (section 4.6.4); more are a permerror.
    public static let maximumLookups = 10
    /// The most terms whose look-up finds nothing (section 4.6.4); more are a permerror.
    public static let maximumVoidLookups = 2
    /// The most exchanges of one `mx` (section 4.6.4); more are a permerror.
    public static let maximumExchanges = 10
    /// The most names of a client that are looked at (section 4.6.4); others are ignored.
    public static let maximumClientNames = 10
    /// The most terms of one record that can concern a client; more are a permerror.
    public static let maximumTerms = 200
    /// The longest explanation, in bytes; a longer one is left out.
    public static let maximumExplanation = 1000

    private let resolver: Resolver
    private let receiver: [UInt8]
    private let timeout: Duration
    private let localPolicy: LocalPolicy?

    /// Checks for this host.
    /// - Parameters:
    ///   - resolver: where names are looked up.
    ///   - receiver: our name, for explanations that quote it.
    ///   - timeout: for one check as a whole; section 4.6.4 wants at least 20 seconds.
    ///   - localPolicy: what is asked where a domain does not let a client pass.
    public init(
        resolver: Resolver, receiver: [UInt8], timeout: Duration = .seconds(20),
        localPolicy: LocalPolicy? = nil
    ) {
        self.resolver = resolver
        self.receiver = receiver
        self.timeout = timeout
        self.localPolicy = localPolicy
    }

    /// Checks one identity of one client. What cannot be found out is a temperror. Answers of the
    /// DNS are taken from the cache and kept there; `now` are seconds of the clock that it goes by.
    public func check(
        _ question: SPFQuestion, cache: inout AnswerCache, now: Int = WallClock.seconds
    ) -> SPFFinding {
        let deadline = Deadline.after(timeout)
        let finding = evaluate(question, nil, &cache, deadline, now)
        guard let localPolicy, finding.yields else { return finding }
        return finding.joined(
            with: evaluate(question, localPolicy.policy, &cache, deadline, now))
    }

    private func evaluate(
        _ question: SPFQuestion, _ policy: Policy?, _ cache: inout AnswerCache,
        _ deadline: Deadline, _ now: Int
    ) -> SPFFinding {
        // Moved, not copied: the evaluation owns it meanwhile.
        let lookups = CountedResolver(resolver, deadline: deadline, cache: cache, now: now)
        cache = AnswerCache(limit: 0)
        let evaluation = Evaluation(
            question, receiver: receiver, lookups: lookups, localPolicy: policy)
        evaluation.run()
        let finding = evaluation.finding
        cache = evaluation.lookups.takeCache()
        return finding
    }
}
