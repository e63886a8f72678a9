// ClientLimits: what bounds clients, by their address, whatever they say.
// smtp-server(8), section Clients.
// SPDX-License-Identifier: MIT

import Control
import MailModel
import SMTPProtocol
import UnixIO
import Workers

/// What becomes of a client that speaks before it is greeted.
enum EarlyTalkers: String, CaseIterable, Sendable {
    /// It is a fact that steps may judge.
    case note
    /// It is greeted with 554.
    case refuse
}

/// Limits with their defaults. Of counts 0 means that there is none.
struct ClientLimits: Sendable {
    /// How many bits make a network.
    var prefixes = NetworkPrefixes()
    /// Connections at a time from one address.
    var addressConnections = 50
    /// Connections at a time from one network: half of the workers, so that no network alone can
    /// have them all.
    var networkConnections = 100
    /// New connections from one address.
    var addressRate = ArrivalRate(300, per: .seconds(60))
    /// New connections from one network.
    var networkRate = ArrivalRate(1500, per: .seconds(60))
    /// What becomes of those that speak too early.
    var earlyTalkers = EarlyTalkers.note
    /// How long the greeting waits for them.
    var greetingDelay = Duration.zero
    /// For the header of the PROXY protocol, which its specification sends at once.
    var proxyHeader = Duration.seconds(5)
    /// For all look-ups of a client's name; zero: there are none.
    var nameLookup = Duration.seconds(2)
    /// What must be free where the queue is, beside what a message says that it needs.
    var queueMargin = 64 << 20
}

extension ServerOptions {
    /// Connections that are held before they say anything.
    static let waitingConnections = 10_000

    /// The options that make these limits.
    static let clientOptions: [Usage.Option] = [
        .value("client-connections", "N", "connections at a time of one address (50)"),
        .value("network-connections", "N", "connections at a time of one network (100)"),
        .value("client-rate", "N/DURATION", "new connections of one address (300/1m)"),
        .value("network-rate", "N/DURATION", "new connections of one network (1500/1m)"),
        .value("network-prefixes", "BITS4,BITS6", "what is one network (24,64)"),
        .value("waiting-connections", "N", "connections held that say nothing (10000)"),
        .value("early-talkers", "note|refuse", "who speaks before the greeting (note)"),
        .value("greeting-delay", "DURATION", "how long the greeting waits for them (0s)"),
        .value("proxy-timeout", "DURATION", "for the header of the PROXY protocol (5s)"),
        .value("reverse-dns", "DURATION", "for the client's name; 0s: no look-up (2s)"),
        .values("resolver", "ADDRESS[:PORT]", "resolver of the DNS, not control/resolver"),
        .value("queue-margin", "SIZE", "what must be free where the queue is (64M)"),
        .value("commands", "N", "commands of a session (10000)"),
        .value("errors", "N", "commands in error of a session (20)"),
        .value("transactions", "N", "messages of a session (no limit)"),
        .value("message-line", "SIZE", "longest line of a message (16M)"),
    ]

    /// Limits with what the options say of them.
    /// - Throws: `UsageError`, `ControlError`.
    func clientLimits() throws -> ClientLimits {
        var limits = ClientLimits()
        if let prefixes = try given.value("network-prefixes", Self.prefixes) {
            limits.prefixes = prefixes
        }
        if let count = try given.integer("client-connections") {
            limits.addressConnections = count
        }
        if let count = try given.integer("network-connections") {
            limits.networkConnections = count
        }
        if let rate = try rate("client-rate") { limits.addressRate = rate.value }
        if let rate = try rate("network-rate") { limits.networkRate = rate.value }
        let talkers = try given.value("early-talkers") { options throws(UsageError) in
            try options.choice("early-talkers", EarlyTalkers.self)
        }
        limits.earlyTalkers = talkers ?? limits.earlyTalkers
        limits.greetingDelay = try given.duration("greeting-delay") ?? limits.greetingDelay
        limits.proxyHeader = try given.duration("proxy-timeout") ?? limits.proxyHeader
        limits.nameLookup = try given.duration("reverse-dns") ?? limits.nameLookup
        limits.queueMargin = try given.size("queue-margin") ?? limits.queueMargin
        return limits
    }

    /// Bounds a session by what the options say of it.
    /// - Throws: `UsageError`.
    func bound(_ session: inout SessionSettings) throws {
        session.commands = try given.integer("commands") ?? session.commands
        session.errors = try given.integer("errors", in: 1...1_000_000) ?? session.errors
        session.transactions = try given.integer("transactions") ?? session.transactions
        let line = try given.size("message-line") ?? session.messageLine
        session.messageLine = max(SessionSettings.promisedLine, line)
    }

    /// How many connections may wait that say nothing.
    func waitingConnections() throws -> Int {
        try given.integer("waiting-connections", in: 1...1_000_000) ?? Self.waitingConnections
    }

    /// A rate, or that there is none.
    private struct GivenRate {
        let value: ArrivalRate?
    }

    /// `N/DURATION`, or 0 for no limit; nil when it was not given.
    private func rate(_ name: String) throws -> GivenRate? {
        try given.value(name) { options throws(UsageError) in
            try options.read(name, "N/DURATION such as 300/1m, or 0") { text in
                guard text != [0x30] else { return GivenRate(value: nil) }
                let parts = text.split(
                    separator: 0x2F, maxSplits: 1, omittingEmptySubsequences: false)
                guard parts.count == 2, let count = parts[0].decimalValue,
                    let period = Quantity.duration(parts[1]),
                    let rate = ArrivalRate(count, per: period)
                else { return nil }
                return GivenRate(value: rate)
            }
        }
    }

    private static func prefixes(_ options: Options) throws(UsageError) -> NetworkPrefixes? {
        try options.read("network-prefixes", "BITS4,BITS6 such as 24,64") { text in
            let bits = text.split(separator: 0x2C, omittingEmptySubsequences: false)
                .map(\.decimalValue)
            guard bits.count == 2, let four = bits[0], let six = bits[1], four <= 32, six <= 128
            else { return nil }
            return NetworkPrefixes(version4: four, version6: six)
        }
    }
}
