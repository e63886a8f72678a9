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

    /// Checks for this host.
    /// - Parameters:
    ///   - resolver: where names are looked up.
    ///   - receiver: our name, for explanations that quote it.
    ///   - timeout: for one check as a whole; section 4.6.4 wants at least 20 seconds.
    public init(resolver: Resolver, receiver: [UInt8], timeout: Duration = .seconds(20)) {
        self.resolver = resolver
        self.receiver = receiver
        self.timeout = timeout
    }

    /// Checks one identity of one client. What cannot be found out is a temperror.
    public func check(_ question: SPFQuestion) -> SPFFinding {
        let evaluation = Evaluation(
            question, receiver: receiver,
            lookups: CountedResolver(resolver, deadline: .after(timeout)))
        evaluation.run()
        return evaluation.finding
    }
}
