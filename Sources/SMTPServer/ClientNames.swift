// ClientNames: the names of clients by the DNS, verified.
// smtp-server(8), section Clients; RFC 1912, section 2.1.
// SPDX-License-Identifier: MIT

import MailModel
import Resolver
import UnixIO

/// Looks names up, and keeps answers for as long as they hold. One in each worker.
final class ClientNames {
    /// Names of an address that are verified at most.
    private static let most = 3

    /// Addresses whose look-up took too long, and how long they have no name then: who can make us
    /// wait for a name server shall not do so in every session. RFC 2308, section 7.2.
    private static let mostSlow = 1024
    private static let slowTime = Duration.seconds(60)

    private let resolver: Resolver
    private let budget: Duration
    private var cache = AnswerCache(limit: 1 << 20)
    /// Until when each is not asked for.
    private var slow: [IPAddress: Deadline] = [:]

    /// All look-ups for one client take no longer than `budget`.
    init(_ resolver: Resolver, budget: Duration) {
        self.resolver = resolver
        self.budget = budget
    }

    /// The first name of an address that has the address again; nil when there is none, or it was
    /// not found in time: then the client has no name, as if it had none.
    func name(of client: IPAddress) -> [UInt8]? {
        // It is this host, whatever its names.
        guard !client.isLoopback, !isSlow(client) else { return nil }
        let deadline = Deadline.after(budget)
        do throws(ResolverError) {
            return try find(client, deadline)
        } catch {
            if error == .timedOut || deadline.hasPassed { note(slow: client) }
            return nil
        }
    }

    /// The name; throws what kept it from being found.
    private func find(_ client: IPAddress, _ deadline: Deadline) throws(ResolverError) -> [UInt8]? {
        var failure: ResolverError?
        for record in try records(DomainName.reverse(of: client).bytes, .ptr, deadline)
            .prefix(Self.most)
        {
            guard case .name(let name) = record, ClientNames.isHostName(name.bytes) else {
                continue
            }
            do throws(ResolverError) {
                let found = try records(name.bytes, client.isVersion4 ? .a : .aaaa, deadline)
                let isSame = found.contains {
                    if case .address(client) = $0 { true } else { false }
                }
                if isSame { return name.bytes }
            } catch {
                failure = failure == .timedOut ? failure : error
            }
        }
        if let failure { throw failure }
        return nil
    }

    private func isSlow(_ client: IPAddress) -> Bool { slow[client]?.hasPassed == false }

    private func note(slow client: IPAddress) {
        if slow.count >= Self.mostSlow { slow = slow.filter { !$0.value.hasPassed } }
        if slow.count >= Self.mostSlow { slow = [:] }
        slow[client] = .after(Self.slowTime)
    }

    private func records(
        _ name: [UInt8], _ type: RecordType, _ deadline: Deadline
    ) throws(ResolverError) -> [RecordData] {
        try cache.query(
            name, type, through: resolver, deadline: deadline, now: WallClock.seconds
        ).values.map(\.data)
    }

    /// Letters, digits, hyphens, underscores and dots: what goes into fields and logs.
    private static func isHostName(_ name: [UInt8]) -> Bool {
        name.count <= 253
            && name.allSatisfy {
                $0.isASCIILetter || $0.isASCIIDigit || $0 == 0x2D || $0 == 0x2E || $0 == 0x5F
            }
    }
}
