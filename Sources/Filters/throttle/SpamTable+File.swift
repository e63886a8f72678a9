// SpamTable+File: reading qmail's `control/spamt`.
// throttle-limits(5), section SPAMTHROTTLE; qmail-spamt(5).
// SPDX-License-Identifier: MIT

import Control
import Counters
import MailModel
import UnixIO

extension SpamTable {
    /// The most bytes of a file.
    static let maximumSize = 4 << 20

    /// Reads `IPBLOCK:DIR:ST:STMAX:FLUSH:RCPT:TG:TG_RESP:` lines up to a line `.`.
    /// - Parameters:
    ///   - file: its path.
    ///   - notDone: called with the line and the field of what is asked for in vain.
    /// - Throws: `ControlError` with file and line.
    init(file: String, notDone: (Int, String) -> Void) throws(ControlError) {
        let all: [UInt8]
        do throws(SystemError) {
            all = try Files.contents(of: file, limit: SpamTable.maximumSize)
        } catch {
            throw .unreadable(error)
        }
        var isEnded = false
        let lines = all.split(separator: 0x0A, omittingEmptySubsequences: false)
        for (index, line) in lines.enumerated() {
            let line = line.trimmed
            isEnded = line.elementsEqual([0x2E])
            if isEnded { break }
            guard let first = line.first, first != 0x23 else { continue }
            do throws(LineError) {
                try add(line) { field in notDone(index + 1, field) }
            } catch {
                throw .invalid(file: file, line: index + 1, reason: error.text)
            }
        }
        guard isEnded else {
            throw .invalid(
                file: file, line: nil, reason: "the line . at its end is missing: is it cut short?")
        }
    }

    private mutating func add(
        _ line: ArraySlice<UInt8>, notDone: (String) -> Void
    ) throws(LineError) {
        guard !line.contains(0) else { throw LineError("a NUL byte") }
        let fields = line.split(separator: 0x3A, omittingEmptySubsequences: false)
        // The address of an IPv6 network has colons itself: it stands in brackets.
        let (network, rest) = try SpamTable.network(fields)
        guard rest.count >= 7 else {
            throw LineError(
                "not IPBLOCK:DIR:ST:STMAX:FLUSH:RCPT:TG:TG_RESP: (\(rest.count + 1) fields)")
        }
        if let more = rest.dropFirst(7).first(where: { !$0.isEmpty }) {
            throw LineError("'\(more.printable)' follows the last field")
        }
        var row = SpamRow()
        row.name = rest[0].isEmpty ? nil : Array(rest[0])
        row.step = try SpamTable.number(rest[1], "ST", upTo: Pacing.longest)
        row.most = try SpamTable.number(rest[2], "STMAX", upTo: Pacing.longest)
        row.flush = try SpamTable.number(rest[3], "FLUSH", upTo: Pacing.longest)
        row.reasonable = try SpamTable.number(rest[4], "RCPT", upTo: 1_000_000).map { Int($0) }
        if let period = try SpamTable.number(rest[5], "TG", upTo: 86_400), period > 0 {
            notDone("TG")
        }
        if !rest[6].isEmpty { notDone("TG_RESP") }
        add(network, row)
    }

    private static func network(
        _ fields: [ArraySlice<UInt8>]
    ) throws(LineError) -> (Network?, [ArraySlice<UInt8>]) {
        guard let first = fields.first, !first.isEmpty else {
            return (nil, Array(fields.dropFirst()))
        }
        guard first.first == 0x5B else {
            return (try version4(first), Array(fields.dropFirst()))
        }
        guard let last = fields.firstIndex(where: { $0.last == 0x5D }) else {
            throw LineError("no ] after [")
        }
        let text = fields[...last].joined(separator: [0x3A]).dropFirst().dropLast()
        guard let network = Network(Array(text)), !network.address.isVersion4 else {
            throw LineError(Array(text).printable, isNot: "an IPv6 network")
        }
        return (network, Array(fields[(last + 1)...]))
    }

    /// `a.b.c.d`, or the first octets of it with `/n`.
    private static func version4(_ text: ArraySlice<UInt8>) throws(LineError) -> Network {
        let parts = text.split(separator: 0x2F, maxSplits: 1, omittingEmptySubsequences: false)
        var octets = parts[0].split(separator: 0x2E, omittingEmptySubsequences: false)
        if octets.last?.isEmpty ?? false, octets.count > 1 { octets.removeLast() }
        guard parts.count == 2 || octets.count == 4 else {
            throw LineError(text.printable, isNot: "an address, or octets with /N")
        }
        while octets.count < 4 { octets.append([0x30]) }
        let address = octets.joined(separator: [0x2E])
        let length = parts.count == 2 ? [0x2F] + Array(parts[1]) : []
        guard let network = Network(Array(address) + length), network.address.isVersion4 else {
            throw LineError(text.printable, isNot: "an IPv4 network such as 192.0.2.0/24")
        }
        return network
    }

    private static func number(
        _ text: ArraySlice<UInt8>, _ field: String, upTo limit: UInt64
    ) throws(LineError) -> UInt64? {
        guard !text.isEmpty else { return nil }
        guard let number = text.decimalValue, number <= limit else {
            throw LineError("\(field) \(text.printable): not a number up to \(limit)")
        }
        return UInt64(number)
    }
}
