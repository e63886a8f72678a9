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

    private let resolver: Resolver
    private let budget: Duration
    private var cache = AnswerCache(limit: 1 << 20)

    /// All look-ups for one client take no longer than `budget`.
    init(_ resolver: Resolver, budget: Duration) {
        self.resolver = resolver
        self.budget = budget
    }

    /// The first name of an address that has the address again; nil when there is none, or it was
    /// not found in time: then the client has no name, as if it had none.
    func name(of client: IPAddress) -> [UInt8]? {
        // It is this host, whatever its names.
        guard !client.isLoopback else { return nil }
        let deadline = Deadline.after(budget)
        let reverse = DomainName.reverse(of: client).bytes
        guard let names = try? records(reverse, .ptr, deadline) else { return nil }
        for record in names.prefix(Self.most) {
            guard case .name(let name) = record, ClientNames.isHostName(name.bytes),
                let found = try? records(name.bytes, client.isVersion4 ? .a : .aaaa, deadline)
            else { continue }
            let isSame = found.contains { if case .address(client) = $0 { true } else { false } }
            if isSame { return name.bytes }
        }
        return nil
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
