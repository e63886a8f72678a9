// ClientGate: who may connect now, as all workers of a server see it.
// smtp-server(8), section Clients.
// SPDX-License-Identifier: MIT

import Glibc
import MailModel
import UnixIO
import Workers

/// Tables that the workers share. They are made once and outlive every worker and reload.
struct ClientGate {
    /// Addresses and networks whose arrivals are remembered.
    private static let remembered = 16_384

    private let clients: ClientTable
    private let addressRates: RateTable
    private let networkRates: RateTable

    /// A gate for so many connections at a time.
    /// - Throws: `SystemError` when there is no memory.
    init(places: Int) throws(SystemError) {
        clients = try ClientTable(capacity: places)
        addressRates = try RateTable(capacity: Self.remembered)
        networkRates = try RateTable(capacity: Self.remembered)
    }

    /// What the gate says of a connection.
    enum Answer: Equatable {
        /// It may go on, and is counted in this place until it leaves. Without a place it is not
        /// counted.
        case admitted(place: Int?)
        /// It is one too many, for this reason.
        case refused(String)
    }

    /// Lets a client in, unless it or its network has too many connections, or had too many lately.
    func admit(_ client: IPAddress, _ limits: ClientLimits) -> Answer {
        let now = Deadline.after(.zero)
        if let rate = limits.addressRate, !addressRates.take(client, rate, now: now) {
            return .refused("Too many connections from your address lately")
        }
        if let rate = limits.networkRate, let network = limits.prefixes.network(of: client),
            !networkRates.take(network.address, rate, now: now)
        {
            return .refused("Too many connections from your network lately")
        }
        guard let place = place(for: client) else { return .admitted(place: nil) }
        guard let reason = tooMany(client, limits) else { return .admitted(place: place) }
        clients.leave(place)
        return .refused(reason)
    }

    /// Hands a place to another process of this server, or takes it from one.
    /// - Returns: false when it was not that one's any more.
    func pass(_ place: Int, from one: pid_t, to other: pid_t) -> Bool {
        clients.pass(place, from: one, to: other)
    }

    /// The connection of a place is over.
    func leave(_ place: Int) { clients.leave(place) }

    /// A process has ended, and its connections with it.
    func ended(_ process: pid_t) { clients.ended(process) }

    private func place(for client: IPAddress) -> Int? {
        if let place = clients.take(client) { return place }
        clients.sweep()
        return clients.take(client)
    }

    private func tooMany(_ client: IPAddress, _ limits: ClientLimits) -> String? {
        guard let reason = excess(client, limits) else { return nil }
        // Those of the dead do not count; to look for them is worth it only now.
        clients.sweep()
        return excess(client, limits).map { _ in reason }
    }

    private func excess(_ client: IPAddress, _ limits: ClientLimits) -> String? {
        guard limits.addressConnections > 0 || limits.networkConnections > 0 else { return nil }
        let count = clients.count(client, limits.prefixes)
        if limits.addressConnections > 0, count.address > limits.addressConnections {
            return "Too many connections from your address"
        }
        if limits.networkConnections > 0, count.network > limits.networkConnections {
            return "Too many connections from your network"
        }
        return nil
    }
}
