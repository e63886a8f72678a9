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
    private let now: Int
    private let hitsBefore: Int
    private var cache: AnswerCache
    private(set) var terms = 0
    private(set) var voids = 0
    private(set) var queries: [String] = []

    init(_ resolver: Resolver, deadline: Deadline, cache: consuming AnswerCache, now: Int) {
        self.resolver = resolver
        self.deadline = deadline
        self.now = now
        hitsBefore = cache.hits
        self.cache = cache
    }

    /// How many questions were answered from memory.
    var remembered: Int { cache.hits - hitsBefore }

    /// Gives the cache back, at the end.
    mutating func takeCache() -> AnswerCache {
        let taken = cache
        cache = AnswerCache(limit: 0)
        return taken
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
        try ask("TXT", .txt, name).compactMap { data in
            if case .strings(let strings) = data { strings.flatMap(\.self) } else { nil }
        }
    }

    /// The addresses of the client's family.
    mutating func addresses(_ name: [UInt8], like client: IPAddress) throws(Stop) -> [IPAddress] {
        let isVersion4 = client.isVersion4
        return try ask(isVersion4 ? "A" : "AAAA", isVersion4 ? .a : .aaaa, name)
            .compactMap { data in
                if case .address(let address) = data { address } else { nil }
            }
    }

    /// True when the name has an IPv4 address, whatever the client's family.
    mutating func exists(_ name: [UInt8]) throws(Stop) -> Bool {
        try !ask("A", .a, name).isEmpty
    }

    /// The exchanges of a domain.
    mutating func exchanges(_ name: [UInt8]) throws(Stop) -> [DomainName] {
        try ask("MX", .mx, name).compactMap { data in
            if case .exchanger(let exchanger) = data { exchanger.exchange } else { nil }
        }
    }

    /// The names of an address, unverified.
    mutating func names(_ client: IPAddress) throws(Stop) -> [DomainName] {
        try ask("PTR", .ptr, DomainName.reverse(of: client).bytes).compactMap { data in
            if case .name(let name) = data { name } else { nil }
        }
    }

    private mutating func ask(
        _ word: String, _ type: RecordType, _ name: [UInt8]
    ) throws(Stop) -> [RecordData] {
        queries.append("\(word) \(name.printable)")
        do throws(ResolverError) {
            return try cache.query(name, type, through: resolver, deadline: deadline, now: now)
                .values.map(\.data)
        } catch {
            // Section 4.3, by analogy: a name that cannot be looked up does not exist.
            if error == .badName { return [] }
            throw .temporary("\(word) \(name.printable): \(error)")
        }
    }
}
