// Exchangers: the hosts that take mail for a domain, in the order in which they are tried.
// RFC 5321, section 5.1; RFC 7505.
// SPDX-License-Identifier: MIT

import MailModel
import Resolver
import UnixIO

/// Why mail for a domain can be sent nowhere, as the reply for its recipients.
struct RoutingError: Error, Hashable {
    let reply: Reply

    init(_ code: UInt16, _ status: EnhancedStatus, _ text: String) {
        reply = Reply(code, status, text)
    }

    /// The DNS did not say.
    static func notKnown(_ name: String, _ error: ResolverError) -> RoutingError {
        RoutingError(451, EnhancedStatus(4, 4, 3), "DNS look-up of \(name): \(error)")
    }

    /// The DNS says that there is no such domain.
    static func noDomain(_ name: String) -> RoutingError {
        RoutingError(550, EnhancedStatus(5, 1, 2), "no host or domain \(name)")
    }
}

/// Names of hosts, in groups of equal preference.
struct Exchangers: Equatable {
    /// The most hosts that are looked at; what comes after them in the order is left out.
    static let maximumHosts = 20

    /// The groups in order; within a group the order is random.
    let groups: [[DomainName]]
    /// True when there is no MX record, so that the domain is its own exchanger.
    let isImplicit: Bool
    /// True when the DNS vouches for all of that.
    let isSecure: Bool

    /// Looks a domain up.
    init(of domain: [UInt8], _ resolver: Resolver, deadline: Deadline) throws(RoutingError) {
        guard let name = DomainName(domain), !name.isRoot else {
            throw .noDomain(domain.printable)
        }
        let secured: SecuredLookup
        do throws(ResolverError) {
            secured = try resolver.secured(name, .mx, deadline: deadline)
        } catch {
            throw error == .badName ? .noDomain("\(name)") : .notKnown("\(name) MX", error)
        }
        isSecure = secured.isSecure
        let lookup = secured.lookup.compactMap { record in
            if case .exchanger(let exchanger) = record.data { exchanger } else { nil }
        }
        switch lookup {
        case .noName: throw .noDomain("\(name)")
        case .noData:
            groups = [[name]]
            isImplicit = true
        case .found(let records, _):
            groups = try Exchangers.groups(records, "\(name)")
            isImplicit = false
        }
    }

    /// Puts records in order.
    static func groups(
        _ records: [MXRecord], _ domain: String
    ) throws(RoutingError) -> [[DomainName]] {
        let hosts = records.filter { !$0.exchange.isRoot }
        // RFC 7505, section 3. Beside other records the root is merely nobody's name.
        guard !hosts.isEmpty else {
            throw RoutingError(556, EnhancedStatus(5, 1, 10), "\(domain) takes no mail (null MX)")
        }
        var room = maximumHosts
        var groups: [[DomainName]] = []
        for (_, group) in Dictionary(grouping: hosts, by: \.preference).sorted(by: {
            $0.key < $1.key
        }) {
            let names = group.map(\.exchange).shuffled().prefix(room)
            room -= names.count
            if !names.isEmpty { groups.append(Array(names)) }
        }
        return groups
    }
}
