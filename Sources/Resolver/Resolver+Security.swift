// Resolver+Security: look-ups that say whether the DNS has vouched for them.
// RFC 4035, section 4.9.3; RFC 6840, section 5.8.
// SPDX-License-Identifier: MIT

public import UnixIO

/// What a look-up found out, and how sure that is.
public struct SecuredLookup: Sendable {
    /// What there is.
    public let lookup: Lookup<Record>
    /// True when a resolver that is trusted to validate has validated every step of it, a no and
    /// aliases included. False says nothing but that nobody vouches for it: what is forged, a
    /// validating resolver answers with SERVFAIL, which is thrown.
    public let isSecure: Bool
    /// Where the aliases lead from the name that was asked for; that name where there are none.
    public let canonicalName: DomainName
}

extension Resolver {
    /// The records of one type that a name has, aliases followed, and whether they are secure.
    public func secured(
        _ name: DomainName, _ type: RecordType, deadline: Deadline = .never
    ) throws(ResolverError) -> SecuredLookup {
        let answer = try answer(Question(name: name, type: type.rawValue), deadline: deadline)
        return SecuredLookup(
            lookup: answer.lookup, isSecure: answer.isSecure,
            canonicalName: answer.canonicalName ?? name)
    }
}
