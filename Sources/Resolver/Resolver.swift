// Resolver: look-ups in the DNS, with deadlines, through servers that we are told.
// RFC 1035; RFC 5452; RFC 7766.
// SPDX-License-Identifier: MIT

public import Control
public import MailModel
public import UnixIO

/// Asks servers that resolve for us. A value without state: nothing is kept between look-ups.
///
/// Every look-up ends with records, with a no of the DNS, or by throwing `ResolverError`: not
/// known is never no.
public struct Resolver: Sendable {
    /// The most aliases (CNAME) that are followed from a name.
    public static let maximumAliases = 8
    /// The most records of an answer that are read; more are an error, never cut.
    public static let maximumRecords = 1000
    /// The size of answer that we offer to take in a datagram; larger ones come by TCP.
    public static let datagramSize: UInt16 = 1232

    /// The servers, in the order they are asked.
    public let servers: [Endpoint]
    /// How long one server may take in the first round; each round doubles it.
    public let timeout: Duration
    /// Rounds over all servers.
    public let attempts: Int
    /// True when the servers validate by DNSSEC, and neither they nor the way to them can be
    /// meddled with, so that what they call validated is.
    public let isValidating: Bool

    /// A resolver that asks these servers.
    public init(
        servers: [Endpoint], timeout: Duration = .seconds(3), attempts: Int = 2,
        isValidating: Bool = false
    ) {
        self.servers = servers
        self.isValidating = isValidating
        self.timeout = timeout
        self.attempts = max(1, attempts)
    }

    /// The exchangers of a domain, in the order of the answer.
    public func mx(
        _ name: [UInt8], deadline: Deadline = .never
    ) throws(ResolverError) -> Lookup<MXRecord> {
        try query(name, .mx, deadline: deadline).compactMap { record in
            if case .exchanger(let exchanger) = record.data { exchanger } else { nil }
        }
    }

    /// The IPv4 addresses of a host.
    public func a(
        _ name: [UInt8], deadline: Deadline = .never
    ) throws(ResolverError) -> Lookup<IPAddress> {
        try query(name, .a, deadline: deadline).compactMap(\.address)
    }

    /// The IPv6 addresses of a host. A mapped IPv4 address among them is that IPv4 address.
    public func aaaa(
        _ name: [UInt8], deadline: Deadline = .never
    ) throws(ResolverError) -> Lookup<IPAddress> {
        try query(name, .aaaa, deadline: deadline).compactMap(\.address)
    }

    /// The text records of a name, the strings of each joined.
    public func txt(
        _ name: [UInt8], deadline: Deadline = .never
    ) throws(ResolverError) -> Lookup<[UInt8]> {
        try query(name, .txt, deadline: deadline).compactMap { record in
            if case .strings(let strings) = record.data { strings.flatMap(\.self) } else { nil }
        }
    }

    /// The names of an address, unverified.
    public func ptr(
        _ address: IPAddress, deadline: Deadline = .never
    ) throws(ResolverError) -> Lookup<DomainName> {
        let name = DomainName.reverse(of: address)
        return try query(name.bytes, .ptr, deadline: deadline).compactMap { record in
            if case .name(let name) = record.data { name } else { nil }
        }
    }

    /// The records of one type that a name has, aliases followed.
    public func query(
        _ name: [UInt8], _ type: RecordType, deadline: Deadline = .never
    ) throws(ResolverError) -> Lookup<Record> {
        guard let name = DomainName(name) else { throw .badName }
        return try answer(Question(name: name, type: type.rawValue), deadline: deadline).lookup
    }

    /// The answer to a question, with how long it may be kept.
    func answer(_ question: Question, deadline: Deadline) throws(ResolverError) -> Answer {
        let message = try ask(question, deadline)
        let isSecure = isValidating && message.isAuthentic
        guard message.code != Resolver.nameError else {
            return Answer(
                lookup: .noName, timeToLive: message.negativeTimeToLive, isSecure: isSecure)
        }
        let (lookup, name) = try Resolver.select(from: try message.records(), question)
        var timeToLive = message.negativeTimeToLive
        if case .found(_, let least) = lookup { timeToLive = least }
        return Answer(
            lookup: lookup, timeToLive: timeToLive, isSecure: isSecure, canonicalName: name)
    }

    /// RFC 1035, section 4.1.1: NXDOMAIN.
    private static let nameError: UInt8 = 3

    /// Asks every server in turn until one answers; the last failure is what is thrown.
    private func ask(_ question: Question, _ deadline: Deadline) throws(ResolverError) -> Message {
        var failure =
            servers.isEmpty ? ResolverError.network("no resolver is configured") : .timedOut
        var limit = timeout
        for _ in 0..<attempts {
            for server in servers {
                guard !deadline.hasPassed else { throw failure }
                let exchange = Exchange(
                    server: server, question: question, deadline: min(deadline, .after(limit)),
                    asksForAD: isValidating)
                do throws(ResolverError) {
                    let message = try exchange.run()
                    if message.code == 0 || message.code == Resolver.nameError { return message }
                    failure = .refused(code: message.code)
                } catch {
                    if error == .badName { throw error }
                    failure = error
                }
            }
            limit += limit
        }
        throw failure
    }

    /// Follows the aliases from the name that was asked for.
    /// - Returns: the records, and whose they are.
    static func select(
        from records: [Record], _ question: Question
    ) throws(ResolverError) -> (Lookup<Record>, DomainName) {
        var name = question.name
        var timeToLive = UInt32.max
        for _ in 0...maximumAliases {
            let own = records.filter { $0.owner == name }
            let wanted = own.filter { $0.type == question.type }
            if !wanted.isEmpty {
                let least = wanted.reduce(timeToLive) { min($0, $1.timeToLive) }
                return (.found(wanted, timeToLive: least), name)
            }
            let alias = own.first { $0.type == RecordType.cname.rawValue }
            guard let alias, case .name(let target) = alias.data else { return (.noData, name) }
            timeToLive = min(timeToLive, alias.timeToLive)
            name = target
        }
        throw .tooManyAliases
    }
}

extension Record {
    /// The address of an A or AAAA record; nil for any other.
    public var address: IPAddress? {
        if case .address(let address) = data { address } else { nil }
    }
}
