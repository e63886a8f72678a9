// CounterName: the limit and the value that a counter of the store belongs to.
// throttle(8), option --show.
// SPDX-License-Identifier: MIT

import Counters
import MailModel

/// A limit's name and a row of values, as one key of the store.
struct CounterName {
    /// Such as `client messages 30/60s/30`.
    let limit: String
    /// The row of values, each a netstring without its comma.
    private let row: [UInt8]

    /// The name of a limit, with a row of `LimitKey.values`.
    init(_ limit: String, _ row: [UInt8]) {
        self.limit = limit
        self.row = row
    }

    /// What a key of the store says; of a long one the end is missing.
    init?(_ bytes: [UInt8]) {
        guard let end = bytes.firstIndex(of: 0) else { return nil }
        limit = bytes[..<end].printable
        row = Array(bytes[(end + 1)...])
    }

    /// The key of the store.
    var bytes: [UInt8] { Array("\(limit)\0".utf8) + row }

    /// The values for people, joined by `+`; `*` where all share a counter.
    var value: String {
        var values: [String] = []
        var rest = row[...]
        while let colon = rest.firstIndex(of: 0x3A), let count = rest[..<colon].decimalValue {
            let value = rest[(colon + 1)...].prefix(count)
            values.append(value.isEmpty ? "*" : value.printable)
            if value.count < count { values[values.count - 1] += "..." }
            rest = rest[(colon + 1)...].dropFirst(count)
        }
        return values.joined(separator: "+")
    }

    /// The rate that is a part of the limit's name; nil for a wait.
    var rate: Rate? {
        limit.split(separator: " ").last.flatMap { Rate(Array($0.utf8)) }
    }
}
