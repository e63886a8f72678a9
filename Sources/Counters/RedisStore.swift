// RedisStore: limits that several hosts keep together, in a Redis server.
// throttle(8), section REDIS.
// SPDX-License-Identifier: MIT

import Glibc
import MailModel
import UnixIO

/// A connection to Redis that is made with the first charge, and again when it was lost.
public final class RedisStore: LimitStore {
    /// How long one decision may take, connecting included.
    public static let standardTimeout = Duration.milliseconds(80)
    /// How long a lost server is not asked again.
    public static let pause = Duration.seconds(1)

    /// Finds the address of a host by the deadline; nil when there is none.
    public typealias FindHost = (String, Deadline) -> IPAddress?

    private let address: RedisAddress
    private let timeout: Duration
    private let log: Log
    private let findHost: FindHost
    private var connection: RedisConnection?
    private var script: [UInt8] = []
    /// Set while the server is lost: why, and when it is asked again.
    private var loss: (why: String, until: Deadline)?

    /// A store in a server that is not asked yet. The log gets an event when the server is lost,
    /// and when it is back.
    public init(
        _ address: RedisAddress, timeout: Duration = standardTimeout, log: Log,
        findHost: @escaping FindHost = { _, _ in nil }
    ) {
        self.address = address
        self.timeout = timeout
        self.log = log
        self.findHost = findHost
    }

    /// Charges what one request takes from its limits, by the clock of the server.
    /// - Throws: `CounterError.lost` by the timeout, and at once for a second after that.
    public func charge(
        _ charges: [Charge], isTrial: Bool = false
    ) throws(CounterError) -> ChargeOutcome {
        guard !charges.isEmpty else { return ChargeOutcome(over: [], isCharged: !isTrial) }
        let words = RedisScript.arguments(charges, isTrial: isTrial)
        let reply = try asking { connection, deadline throws(CounterError) in
            let reply = try connection.call(
                [Array("EVALSHA".utf8), self.script] + words, until: deadline)
            // Somebody emptied the cache of scripts, or the server is another one.
            guard case .error(let text) = reply, text.hasPrefix("NOSCRIPT") else { return reply }
            return try connection.call(
                [Array("EVAL".utf8), Array(RedisScript.text.utf8)] + words, until: deadline)
        }
        guard case .list(let values) = reply, let outcome = ChargeOutcome(values, of: charges.count)
        else {
            throw .damaged("a reply of \(address)")
        }
        return outcome
    }

    /// Every key that is not forgotten, page by page: each page has the time of a decision.
    public func entries() throws(CounterError) -> [StoredMeter] {
        var entries: [StoredMeter] = []
        var cursor = Array("0".utf8)
        let pattern = Array("MATCH".utf8)
        repeat {
            let at = cursor
            let reply = try asking { connection, deadline throws(CounterError) in
                try connection.call(
                    [
                        Array("SCAN".utf8), at, pattern, RedisScript.prefix + [0x2A],
                        Array("COUNT".utf8), Array("1000".utf8),
                    ], until: deadline)
            }
            guard case .list(let parts) = reply, parts.count == 2, case .text(let next) = parts[0],
                case .list(let found) = parts[1]
            else { throw .damaged("a reply to SCAN") }
            cursor = next
            let keys = found.compactMap { if case .text(let key) = $0 { key } else { nil } }
            entries += try read(keys)
        } while cursor != [0x30]
        // Redis may show a key twice.
        var seen: Set<[UInt8]> = []
        return entries.filter { seen.insert($0.storedKey).inserted }
    }

    /// Forgets the keys of these entries.
    public func forget(_ entries: [StoredMeter]) throws(CounterError) {
        var rest = entries[...]
        while !rest.isEmpty {
            let keys = rest.prefix(500).map { RedisScript.prefix + $0.storedKey }
            rest = rest.dropFirst(500)
            _ = try asking { connection, deadline throws(CounterError) in
                try connection.call([Array("DEL".utf8)] + keys, until: deadline)
            }
        }
    }

    private func read(_ keys: [[UInt8]]) throws(CounterError) -> [StoredMeter] {
        guard !keys.isEmpty else { return [] }
        let (clock, values) = try asking { connection, deadline throws(CounterError) in
            let clock = try connection.call([Array("TIME".utf8)], until: deadline)
            return RedisReply.list([
                clock, try connection.call([Array("MGET".utf8)] + keys, until: deadline),
            ])
        }.pair
        guard case .list(let time) = clock, case .list(let all) = values, time.count == 2,
            let seconds = time[0].decimal, let rest = time[1].decimal, all.count == keys.count,
            seconds < 1 << 33, rest < 1_000_000
        else { throw .damaged("a reply to MGET") }
        let now = Meter.time((UInt64(seconds) * 1_000_000 + UInt64(rest)) * 1000)
        return zip(keys, all).compactMap { key, value in
            guard case .text(let bytes) = value, let meter = RedisScript.meter(bytes) else {
                return nil
            }
            return StoredMeter(
                storedKey: Array(key.dropFirst(RedisScript.prefix.count)), meter, at: now)
        }
    }

    /// Asks within the time-out. What is not answered in time may still be charged, later: that is
    /// stricter and no more.
    private func asking(
        _ body: (RedisConnection, Deadline) throws(CounterError) -> RedisReply
    ) throws(CounterError) -> RedisReply {
        if let loss, !loss.until.hasPassed { throw .lost("\(loss.why) (not asked again yet)") }
        let deadline = Deadline.after(timeout)
        do throws(CounterError) {
            let reply = try body(try connected(until: deadline), deadline)
            if case .error(let text) = reply {
                throw RedisStore.concernsOneKey(text) ? .damaged(text) : .lost(text)
            }
            if loss != nil { log.event("store-back", ["store": address.description]) }
            loss = nil
            return reply
        } catch {
            connection = nil
            guard case .lost(let why) = error else { throw error }
            if loss == nil {
                log.event("store-lost", ["store": address.description, "reason": why])
            }
            loss = (why, .after(RedisStore.pause))
            throw error
        }
    }

    /// True when what is stored under one key is none of ours: whoever is counted there is not
    /// known, and all others are. Else that one client could keep the whole store lost.
    private static func concernsOneKey(_ error: String) -> Bool {
        // Servers before version 7 put their own words before those of the call that failed.
        error.hasPrefix("DAMAGED ") || error.contains("WRONGTYPE ")
    }

    private func connected(until deadline: Deadline) throws(CounterError) -> RedisConnection {
        if let connection, connection.isOurs, !connection.isStale { return connection }
        connection = nil
        let fresh = try open(until: deadline)
        if let password = address.password {
            let login = (address.user.map { [$0, password] } ?? [password]).map { Array($0.utf8) }
            try RedisStore.expectFine(fresh.call([Array("AUTH".utf8)] + login, until: deadline))
        }
        if address.database != 0 {
            let select = ["SELECT", "\(address.database)"].map { Array($0.utf8) }
            try RedisStore.expectFine(fresh.call(select, until: deadline))
        }
        let load = ["SCRIPT", "LOAD", RedisScript.text].map { Array($0.utf8) }
        script = try RedisStore.expectFine(fresh.call(load, until: deadline))
        connection = fresh
        return fresh
    }

    @discardableResult
    private static func expectFine(_ reply: RedisReply) throws(CounterError) -> [UInt8] {
        switch reply {
        case .text(let text): return text
        case .error(let text): throw .lost(text)
        default: throw .lost("it does not speak as Redis does")
        }
    }

    private func open(until deadline: Deadline) throws(CounterError) -> RedisConnection {
        let name = address.description
        do throws(SystemError) {
            switch address.place {
            case .socket(let path):
                return try RedisConnection(UnixSocket.connect(to: path, deadline: deadline))
            case .host(let host, let port):
                guard let ip = ip(host, deadline),
                    let endpoint = InternetEndpoint(address: ip.bytes, port: port)
                else { throw SystemError("find the host of", name, .noSuchAddressOrDevice) }
                let socket = try InternetSocket.connect(to: endpoint, name, deadline: deadline)
                return try RedisConnection(Connection(socket, name))
            }
        } catch {
            throw .lost(error.description)
        }
    }

    private func ip(_ host: String, _ deadline: Deadline) -> IPAddress? {
        if let ip = IPAddress(host == "localhost" ? "127.0.0.1" : host) { return ip }
        return findHost(host, deadline)
    }
}

extension RedisReply {
    fileprivate var decimal: Int? {
        if case .text(let bytes) = self { bytes.decimalValue } else { nil }
    }

    fileprivate var pair: (RedisReply, RedisReply) {
        if case .list(let values) = self, values.count == 2 {
            (values[0], values[1])
        } else {
            (.null, .null)
        }
    }
}

extension ChargeOutcome {
    /// What `RedisScript` replies to so many charges; nil for anything else.
    init?(_ reply: [RedisReply], of count: Int) {
        let numbers = reply.compactMap { if case .number(let number) = $0 { number } else { nil } }
        guard numbers.count == reply.count, numbers.count >= 2, numbers[1] >= 0,
            numbers[1] <= numbers.count - 2
        else { return nil }
        let rest = numbers.dropFirst(2 + numbers[1])
        guard rest.count % 2 == 0, rest.allSatisfy({ $0 >= 0 }) else { return nil }
        over = Array(numbers[2..<(2 + numbers[1])])
        guard over.allSatisfy({ (0..<count).contains($0) }) else { return nil }
        isCharged = numbers[0] == 1
        for index in stride(from: rest.startIndex, to: rest.endIndex, by: 2) {
            // Microseconds, rounded up to milliseconds.
            waits[rest[index]] = (UInt64(rest[index + 1]) + 999) / 1000
        }
    }
}
