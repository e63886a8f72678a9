// DANE: what a domain says in the DNS of the certificates of its hosts.
// RFC 7672, section 2.2; RFC 6698; RFC 7671.
// SPDX-License-Identifier: MIT

import Delivery
import MailModel
import Resolver
import TLS
import UnixIO

/// What the DNS says of one host.
enum DANEFinding: Equatable {
    /// Nothing that is secure.
    case nothing
    /// Records, none of which we can do anything with: TLS there must be, but nobody can be
    /// checked (RFC 7672, section 2.2).
    case unusable
    /// Records, and the names that a certificate by an authority of the domain's may have; the
    /// first is where the records were found.
    case records([TLSARecord], names: [String])
    /// The DNS did not say: forged, or broken.
    case unknown(name: String, ResolverError)
}

struct DANE {
    /// The most records that are looked at.
    static let maximumRecords = 64

    let resolver: Resolver
    let deadline: Deadline

    /// Looks a host up. Nothing is asked where nothing could be believed: of a domain whose MX
    /// records are not secure, and of hosts without secure addresses, whose servers for the DNS may
    /// not know what such a question is (RFC 7672, section 2.2.2).
    func find(_ question: SecurityQuestion) -> DANEFinding {
        let identity = question.identity
        guard resolver.isValidating, identity.isSecure, let host = identity.host else {
            return .nothing
        }
        do {
            for base in try bases(identity, host) {
                guard let records = try records(of: base, question.port) else { continue }
                let usable = try ServerCheck.usable(records)
                guard !usable.isEmpty else { return .unusable }
                return .records(usable, names: names(base, host, question))
            }
            return .nothing
        } catch let error as DANELookupError {
            return .unknown(name: error.name, error.reason)
        } catch {
            return .unknown(name: "\(host)", .malformed)
        }
    }

    private struct DANELookupError: Error {
        let name: String
        let reason: ResolverError
    }

    /// Where records may be, the best first: where the aliases lead, then the name itself.
    private func bases(_ identity: HostIdentity, _ host: DomainName) throws -> [DomainName] {
        let canonical = identity.canonicalName ?? host
        if identity.hasSecureAddress { return canonical == host ? [host] : [canonical, host] }
        guard canonical != host else { return [] }
        // A secure alias that leads out of what is secure: RFC 7672, section 2.1.3.
        let alias = try look(host, .cname)
        return alias.isSecure && !alias.lookup.isVoid ? [host] : []
    }

    /// Nil where there is none that is secure.
    private func records(of base: DomainName, _ port: UInt16) throws -> [TLSARecord]? {
        guard let name = DomainName("_\(port)._tcp.".utf8 + base.bytes) else { return nil }
        let found = try look(name, .tlsa)
        guard found.isSecure, !found.lookup.isVoid else { return nil }
        return found.lookup.values.prefix(DANE.maximumRecords).compactMap { record in
            if case .raw(let bytes) = record.data { TLSARecord(bytes) } else { nil }
        }
    }

    /// RFC 7672, section 3.2.2.
    private func names(
        _ base: DomainName, _ host: DomainName, _ question: SecurityQuestion
    ) -> [String] {
        var names: [String] = []
        for name in [base.bytes, host.bytes, question.domain].map(\.asciiLowercased.printable)
        where HostName.isFit(name) && !names.contains(name) { names.append(name) }
        return names
    }

    private func look(_ name: DomainName, _ type: RecordType) throws -> SecuredLookup {
        do throws(ResolverError) {
            return try resolver.secured(name, type, deadline: deadline)
        } catch {
            throw DANELookupError(name: "\(name)", reason: error)
        }
    }
}
