// CountedResolver: the look-ups of one check, within its limits.
// RFC 7208, section 4.6.4.
// SPDX-License-Identifier: MIT

import MailModel
import Resolver
import UnixIO

/// Why an evaluation ends before libspf2 has a result.
struct Stop: Error, Hashable {
    let result: SPFResult
    let reason: String

    static func permanent(_ reason: String) -> Stop { Stop(result: .permerror, reason: reason) }
    static func temporary(_ reason: String) -> Stop { Stop(result: .temperror, reason: reason) }
}

struct CountedResolver {
    private let resolver: Resolver
    private let deadline: Deadline
    private(set) var terms = 0
    private(set) var voids = 0
    private(set) var queries: [String] = []

    init(_ resolver: Resolver, deadline: Deadline) {
        self.resolver = resolver
        self.deadline = deadline
    }

    /// Counts a term that takes look-ups.
    mutating func beginTerm() throws(Stop) {
        guard terms < SenderPolicy.maximumLookups else {
            throw .permanent("more than \(SenderPolicy.maximumLookups) terms take look-ups")
        }
        terms += 1
    }

    /// Counts a term whose look-up found nothing.
    mutating func countVoid() throws(Stop) {
        voids += 1
        guard voids <= SenderPolicy.maximumVoidLookups else {
            throw .permanent("more than \(SenderPolicy.maximumVoidLookups) look-ups found nothing")
        }
    }

    /// The joined text records of a name; none where the name cannot be one.
    mutating func texts(_ name: [UInt8]) throws(Stop) -> [[UInt8]] {
        try ask("TXT", name) { resolver, deadline throws(ResolverError) in
            try resolver.txt(name, deadline: deadline).values
        }
    }

    /// The addresses of the client's family.
    mutating func addresses(_ name: [UInt8], like client: IPAddress) throws(Stop) -> [IPAddress] {
        guard client.isVersion4 else {
            return try ask("AAAA", name) { resolver, deadline throws(ResolverError) in
                try resolver.aaaa(name, deadline: deadline).values
            }
        }
        return try ask("A", name) { resolver, deadline throws(ResolverError) in
            try resolver.a(name, deadline: deadline).values
        }
    }

    /// True when the name has an IPv4 address, whatever the client's family.
    mutating func exists(_ name: [UInt8]) throws(Stop) -> Bool {
        try !ask("A", name) { resolver, deadline throws(ResolverError) in
            try resolver.a(name, deadline: deadline).values
        }.isEmpty
    }

    /// The exchanges of a domain.
    mutating func exchanges(_ name: [UInt8]) throws(Stop) -> [DomainName] {
        try ask("MX", name) { resolver, deadline throws(ResolverError) in
            try resolver.mx(name, deadline: deadline).values.map(\.exchange)
        }
    }

    /// The names of an address, unverified.
    mutating func names(_ client: IPAddress) throws(Stop) -> [DomainName] {
        try ask("PTR", DomainName.reverse(of: client).bytes) {
            resolver, deadline throws(ResolverError) in
            try resolver.ptr(client, deadline: deadline).values
        }
    }

    private mutating func ask<Value>(
        _ type: String, _ name: [UInt8],
        _ look: (Resolver, Deadline) throws(ResolverError) -> [Value]
    ) throws(Stop) -> [Value] {
        queries.append("\(type) \(name.printable)")
        do {
            return try look(resolver, deadline)
        } catch {
            // Section 4.3, by analogy: a name that cannot be looked up does not exist.
            if error == .badName { return [] }
            throw .temporary("\(type) \(name.printable): \(error)")
        }
    }
}
