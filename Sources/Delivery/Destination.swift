// Destination: the addresses to connect to for a domain, found as they are needed.
// RFC 5321, section 5.1.
// SPDX-License-Identifier: MIT

import MailModel
import Resolver
import UnixIO

/// One address of one host.
struct Candidate: Hashable, CustomStringConvertible {
    let name: String
    let address: IPAddress
    let port: UInt16
    /// What is known of who that is.
    var identity = HostIdentity()

    /// `name [address]`, and the port where it is not the usual one.
    var description: String {
        let place = port == 25 ? "\(address.literal)" : "\(address.literal):\(port)"
        return name.isEmpty ? place : "\(name) \(place)"
    }
}

/// Gives out candidates one by one. Hosts of the next preference are looked up when those before
/// them are used up.
struct Destination {
    private let settings: RemoteSettings
    /// The route that leads there; nil where the DNS does.
    let route: SMTPRoute?
    private let deadline: Deadline
    private let port: UInt16
    private let isRouted: Bool
    private let isImplicit: Bool
    /// True when it is certain that these hosts are the domain's.
    private let isSecure: Bool
    private var groups: [[DomainName]]
    private var ready: [Candidate] = []
    private var given = 0
    /// The look-up of a host that did not say whether it has an address.
    private(set) var unknown: RoutingError?
    private var hasMetOurselves = false

    /// Finds out where mail for a domain or address literal goes.
    init(
        _ domain: [UInt8], _ settings: RemoteSettings, from sender: ReversePath = .null
    ) throws(RoutingError) {
        self.settings = settings
        deadline = .after(settings.lookupLimit)
        route = settings.routes.route(for: domain, from: sender)
        let place = route?.host ?? domain
        port = route?.port ?? settings.port
        isRouted = route != nil
        if let address = Destination.literal(place) ?? (isRouted ? IPAddress(place) : nil) {
            let isLoop = !isRouted && settings.isOurselves(place, address)
            groups = []
            isImplicit = true
            isSecure = isRouted
            hasMetOurselves = isLoop
            let identity = HostIdentity(isRouted: isRouted, isSecure: isRouted)
            ready =
                isLoop
                ? [] : [Candidate(name: "", address: address, port: port, identity: identity)]
        } else if isRouted {
            guard let name = DomainName(place), !name.isRoot else {
                throw RoutingError(451, EnhancedStatus(4, 3, 5), "smtproutes: \(place.printable)")
            }
            groups = [[name]]
            isImplicit = true
            isSecure = true
        } else {
            guard place.first != 0x5B else {
                throw RoutingError(
                    550, EnhancedStatus(5, 1, 2), "not an address: \(place.printable)")
            }
            let exchangers = try Exchangers(of: place, settings.resolver, deadline: deadline)
            groups = exchangers.groups
            isImplicit = exchangers.isImplicit
            isSecure = exchangers.isSecure
        }
    }

    /// The next address to try; nil when there is none left.
    mutating func next() -> Candidate? {
        guard given < settings.maximumAddresses else { return nil }
        while ready.isEmpty, !groups.isEmpty { prepare(groups.removeFirst()) }
        guard !ready.isEmpty else { return nil }
        given += 1
        return ready.removeFirst()
    }

    /// Why there was no candidate at all.
    var reasonForNone: Reply {
        if let unknown { return unknown.reply }
        if hasMetOurselves {
            return Reply(
                554, EnhancedStatus(5, 4, 6),
                "this host is the best exchanger of the domain, and does not deliver for it")
        }
        if isRouted {
            // A slip of ours is no reason to return mail.
            return Reply(
                451, EnhancedStatus(4, 3, 5), "the host that smtproutes names has no address")
        }
        return isImplicit
            ? Reply(550, EnhancedStatus(5, 1, 2), "the domain takes no mail: it has no address")
            : Reply(550, EnhancedStatus(5, 4, 4), "no exchanger of the domain has an address")
    }

    /// Looks up a group. When we are in it, it and whatever is worse is left out: whoever is there
    /// would give the mail to us again (RFC 5321, section 5.1).
    private mutating func prepare(_ group: [DomainName]) {
        var candidates: [Candidate] = []
        for name in group {
            let addresses = addresses(of: name)
            let isLoop =
                addresses.isEmpty
                ? settings.isOurselves(name.bytes, nil)
                : addresses.contains { settings.isOurselves(name.bytes, $0.address) }
            if isLoop, !isRouted {
                hasMetOurselves = true
                groups = []
                return
            }
            candidates += addresses
        }
        ready = candidates
    }

    /// The addresses of a host, IPv4 first: there its name and ours agree more often.
    private mutating func addresses(of name: DomainName) -> [Candidate] {
        var candidates: [Candidate] = []
        for type in [RecordType.a, .aaaa] {
            do throws(ResolverError) {
                let found = try settings.resolver.secured(name, type, deadline: deadline)
                let identity = HostIdentity(
                    host: name, canonicalName: found.canonicalName, isRouted: isRouted,
                    isSecure: isSecure, hasSecureAddress: found.isSecure)
                candidates += found.lookup.values.compactMap(\.address).shuffled().map {
                    Candidate(name: "\(name)", address: $0, port: port, identity: identity)
                }
                if found.lookup == .noName { break }
            } catch {
                if error != .badName { unknown = .notKnown("\(name)", error) }
            }
        }
        return candidates
    }

    /// RFC 5321, section 4.1.3.
    private static func literal(_ text: [UInt8]) -> IPAddress? {
        guard text.first == 0x5B, text.last == 0x5D, text.count > 2 else { return nil }
        let inner = text[1..<(text.count - 1)]
        let tag = Array("IPv6:".utf8)
        guard inner.prefix(tag.count).equalsIgnoringASCIICase(tag) else { return IPAddress(inner) }
        return IPAddress(inner.dropFirst(tag.count))
    }
}
