// SpamTable: SpamThrottle's table of networks, and the waits that it asks for.
// throttle-limits(5), section SPAMTHROTTLE.
// SPDX-License-Identifier: MIT

import Counters
import MailModel

/// What a line says; nil is what the next wider network says.
struct SpamRow: Hashable, Sendable {
    var name: [UInt8]?
    /// Milliseconds.
    var step: UInt64?
    /// Milliseconds.
    var most: UInt64?
    /// Milliseconds after the end of the data.
    var flush: UInt64?
    /// The number of recipients that cost one step.
    var reasonable: Int?

    /// Takes from a wider network what is not said here.
    mutating func inherit(_ wider: SpamRow) {
        name = name ?? wider.name
        step = step ?? wider.step
        most = most ?? wider.most
        flush = flush ?? wider.flush
        reasonable = reasonable ?? wider.reasonable
    }
}

/// The lines of a file in the format of qmail's `control/spamt`.
struct SpamTable: Sendable {
    /// The note that says at stage `message` that the client waited at stage `data`.
    static let note = "spamthrottle"
    /// The longest wait where no line says one, in milliseconds.
    static let standardMost: UInt64 = 120_000

    private var rows: [Network: SpamRow] = [:]
    /// The prefix lengths that there are, the longest first.
    private var lengths: [Int] = []
    private var defaults: SpamRow?

    /// Adds a line; the first one of a network stays.
    mutating func add(_ network: Network?, _ row: SpamRow) {
        guard let network else {
            defaults = defaults ?? row
            return
        }
        guard rows[network] == nil else { return }
        rows[network] = row
        if !lengths.contains(network.prefixLength) {
            lengths = (lengths + [network.prefixLength]).sorted(by: >)
        }
    }

    /// What holds for a client: the fields of the most specific network, then of wider ones, then
    /// of the line without one. The name is where its state is kept: what a line says, else the
    /// most specific network, else the address (of an IPv6 client its /64).
    func row(of client: IPAddress) -> (row: SpamRow, name: [UInt8]) {
        var row = SpamRow()
        var own: Network?
        for length in lengths {
            guard let network = Network(client, prefixLength: length), let found = rows[network]
            else { continue }
            row.inherit(found)
            own = own ?? network
        }
        if let defaults { row.inherit(defaults) }
        let width = client.isVersion4 ? 32 : 64
        let network = own ?? Network(client, prefixLength: width)
        return (row, row.name ?? Array("\(network.map(\.description) ?? "")".utf8))
    }

    /// The charge that asks for a client's wait, and the wait after the end of the data in
    /// milliseconds.
    func charge(_ occasion: Occasion) -> (wait: Charge?, flush: UInt64) {
        guard let client = occasion.client, !occasion.isFailure,
            occasion.stage == .data || occasion.stage == .message
        else { return (nil, 0) }
        let (row, name) = row(of: client)
        let flush = occasion.stage == .message ? row.flush ?? 0 : 0
        guard !occasion.hasWaited, let step = row.step, step > 0 else { return (nil, flush) }
        let pacing = Pacing(
            step: step, most: row.most ?? SpamTable.standardMost,
            recipients: occasion.recipients.count, reasonable: row.reasonable ?? 0)
        let key = CounterName(SpamTable.note, Array("\(name.count):".utf8) + name)
        return (Charge(key.bytes, .pace(pacing)), flush)
    }
}
