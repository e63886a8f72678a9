// SenderDomain: could a reply reach the sender's domain?
// RFC 5321, section 5.1; RFC 7505.
// SPDX-License-Identifier: MIT

import MailModel
public import Resolver
public import UnixIO

/// What the DNS says of the domain of a reverse-path.
public enum DomainFinding: Hashable, Sendable {
    /// It has an exchanger, or an address that stands in for one.
    case reachable
    /// It says itself that it takes no mail.
    case nullMX
    /// It has neither, or does not exist.
    case unreachable

    /// The word of logs.
    public var word: String {
        switch self {
        case .reachable: "reachable"
        case .nullMX: "null-mx"
        case .unreachable: "unreachable"
        }
    }
}

/// Asks for MX, then A, then AAAA. What was found is kept for as long as the records may be, an
/// hour at most, and a no for a minute; what the DNS did not say is not kept.
public struct SenderDomains {
    /// The most domains that a process keeps.
    public static let capacity = 4096
    /// The longest time that a yes is kept.
    public static let longest = Duration.seconds(3600)
    /// The time that a no is kept.
    public static let negative = Duration.seconds(60)

    private let resolver: Resolver
    private var cache = AnswerCache<DomainFinding>(capacity: SenderDomains.capacity)

    /// Domains by a resolver.
    public init(_ resolver: Resolver) { self.resolver = resolver }

    /// Looks a domain up.
    /// - Throws: `ResolverError` when the DNS does not say, but not for what is no name at all.
    public mutating func look(
        at domain: some Collection<UInt8>, deadline: Deadline
    ) throws(ResolverError) -> DomainFinding {
        guard let key = DomainLabels.ascii(domain) else { return .unreachable }
        if let known = cache.value(for: key) { return known }
        let (finding, time): (DomainFinding, Duration)
        do throws(ResolverError) {
            (finding, time) = try ask(for: key, deadline)
        } catch {
            guard error == .badName else { throw error }
            return .unreachable
        }
        cache.keep(finding, for: key, time)
        return finding
    }

    private func ask(
        for name: [UInt8], _ deadline: Deadline
    ) throws(ResolverError) -> (DomainFinding, Duration) {
        switch try resolver.mx(name, deadline: deadline) {
        case .noName: return (.unreachable, Self.negative)
        case .found(let records, let timeToLive):
            // RFC 7505, section 3. Beside other records the root is merely nobody's name.
            let isNull = records.allSatisfy { $0.exchange.isRoot }
            return (isNull ? .nullMX : .reachable, SenderDomains.time(timeToLive))
        case .noData: break
        }
        if case .found(_, let timeToLive) = try resolver.a(name, deadline: deadline) {
            return (.reachable, SenderDomains.time(timeToLive))
        }
        if case .found(_, let timeToLive) = try resolver.aaaa(name, deadline: deadline) {
            return (.reachable, SenderDomains.time(timeToLive))
        }
        return (.unreachable, Self.negative)
    }

    private static func time(_ timeToLive: UInt32) -> Duration {
        min(.seconds(Int64(timeToLive)), longest)
    }
}
