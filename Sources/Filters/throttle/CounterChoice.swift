// CounterChoice: the store that the options name, and what is done when it is lost.
// throttle(8), sections THE STORE and REDIS.
// SPDX-License-Identifier: MIT

import Control
import Counters
import FilterKit
import MailModel
import Resolver
import UnixIO

/// What to do when the store cannot be used.
enum StoreLost: String, CaseIterable {
    case `defer`
    /// Fails open: nothing is limited while the store is lost.
    case accept
    /// Fails open in part: each host counts alone while the server is lost.
    case local
}

/// The store, and the one of this host that may stand in for it.
struct CounterChoice {
    static let options: [Usage.Option] = [
        .value("store", "DIR|REDIS", "a folder (throttle in the run folder) or redis://HOST"),
        .value("store-size", "SIZE", "what all counters of a folder may take (16M)"),
        .value("store-timeout", "T", "how long Redis may take for a decision (80ms)"),
        .value("store-lost", "ACTION", "defer (the default), accept, or local with Redis"),
        .values("resolver", "ADDRESS[:PORT]", "the DNS server that knows Redis' host"),
    ]

    /// Where the counters are.
    let store: any LimitStore
    /// What to do when it cannot be used.
    let lost: StoreLost
    private let standIn: CounterStore?
    private let isRemote: Bool

    /// Opens nothing yet: what is open does not survive a fork.
    /// - Throws: `UsageError`, and `ControlError` for the resolver of a host's name.
    init(_ options: Options, log: Log) throws {
        let root = Root(options)
        let size = try options.read("store-size", "a size from 256K to 1G") { text in
            Quantity.bytes(text).flatMap { (256 << 10...1 << 30).contains($0) ? $0 : nil }
        }
        let timeout = try options.read("store-timeout", "a time from 1ms to 10s") { text in
            Quantity.duration(text).flatMap { .milliseconds(1)...(.seconds(10)) ~= $0 ? $0 : nil }
        }
        let folder = { (path: String) in
            CounterStore(
                folder: path, mapSize: size ?? CounterStore.standardMapSize, log: log)
        }
        let standard = "\(root.run)/throttle"
        let place = options["store"] ?? standard
        lost = try options.choice("store-lost", StoreLost.self) ?? .defer
        isRemote = RedisAddress.isOne(place)
        if isRemote {
            guard let address = RedisAddress(place) else {
                // Not shown: there may be a password in it.
                throw UsageError(
                    "--store: not redis://[[USER]:PASSWORD@]HOST[:PORT][/DB] or "
                        + "redis+unix://[[USER]:PASSWORD@]PATH[?db=DB]")
            }
            store = RedisStore(
                address, timeout: timeout ?? RedisStore.standardTimeout, log: log,
                findHost: try CounterChoice.findHost(address, options, root))
        } else {
            guard !place.contains("://") else {
                throw UsageError("--store \(place): not a folder, redis:// or redis+unix://")
            }
            store = folder(place)
        }
        guard isRemote || lost != .local else {
            throw UsageError("--store-lost local: the store is one of this host already")
        }
        guard isRemote || timeout == nil else {
            throw UsageError("--store-timeout is for a store in Redis")
        }
        standIn = lost == .local ? folder(standard) : nil
    }

    /// Charges; when the server is lost and this host counts alone meanwhile, there.
    /// - Returns: also why the server is lost.
    func charge(
        _ charges: [Charge], isTrial: Bool
    ) throws(CounterError) -> (outcome: ChargeOutcome, loss: String?) {
        do {
            return (try store.charge(charges, isTrial: isTrial), nil)
        } catch {
            guard let standIn else { throw error }
            return (try standIn.charge(charges, isTrial: isTrial), error.description)
        }
    }

    /// The exit of a request that cannot be decided.
    func failure(_ error: CounterError) -> FilterError {
        if case .lost = error { return FilterError(.networkTrouble, error.description) }
        return FilterError(.cannotWrite, error.description)
    }

    /// Asks the DNS for the addresses of a host's name, IPv4 first.
    private static func findHost(
        _ address: RedisAddress, _ options: Options, _ root: Root
    ) throws -> RedisStore.FindHost {
        guard case .host(let name, _) = address.place, name != "localhost",
            IPAddress(name) == nil
        else { return { _, _ in nil } }
        let resolver = Resolver(servers: try Resolver.servers(options, root.control))
        return { name, deadline in
            let name = Array(name.utf8)
            if let found = try? resolver.a(name, deadline: deadline).values.first { return found }
            return (try? resolver.aaaa(name, deadline: deadline).values.first) ?? nil
        }
    }
}
