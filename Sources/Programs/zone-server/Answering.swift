// Answering: from the bytes of a query to the bytes of its answer.
// RFC 1035, section 4.1.
// SPDX-License-Identifier: MIT

import MailModel
import Resolver

/// A query with one question.
struct Query {
    let id: ArraySlice<UInt8>
    let question: ArraySlice<UInt8>
    let name: DomainName
    let type: UInt16
    let flags: UInt8
    /// RFC 6840, section 5.7.
    let asksForAD: Bool
    let offersLargeDatagrams: Bool

    /// Nil for what is not a query with one question of class IN, which gets no answer.
    init?(_ bytes: [UInt8]) {
        guard bytes.count > 12, bytes[2] & 0xF8 == 0, bytes[4...5] == [0, 1] else { return nil }
        var end = 12
        while end < bytes.count, bytes[end] != 0 { end += Int(bytes[end]) + 1 }
        guard end + 5 <= bytes.count, let name = DomainName(wire: bytes[12...end]),
            bytes[(end + 3)...(end + 4)] == [0, 1]
        else { return nil }
        self.name = name
        type = UInt16(bytes[end + 1]) << 8 | UInt16(bytes[end + 2])
        id = bytes[..<2]
        flags = bytes[2] & 0x01
        asksForAD = bytes[3] & 0x20 != 0
        question = bytes[12..<(end + 5)]
        offersLargeDatagrams = bytes[10...11] != [0, 0]
    }
}

extension Zone {
    /// The answer to a query; nil when there is none to give.
    func response(to bytes: [UInt8], isDatagram: Bool) -> [UInt8]? {
        guard let query = Query(bytes) else { return nil }
        switch answer(query.name, query.type) {
        case .silence: return nil
        case .code(let code): return Zone.message(query, code: code)
        case .records(let records, let code, let terms):
            let body = records.map { Zone.record($0.owner, $0.item) }
            let isAuthentic = terms.isSecure && query.asksForAD
            let message = Zone.message(query, code: code, body, isAuthentic: isAuthentic)
            let limit = query.offersLargeDatagrams ? Int(Resolver.datagramSize) : 512
            guard isDatagram, terms.truncates || message.count > limit else {
                return message.count <= 65_535 ? message : Zone.message(query, code: 2)
            }
            return Zone.message(query, code: code, isTruncated: true)
        }
    }

    private static func message(
        _ query: Query, code: UInt8, _ records: [[UInt8]] = [], isTruncated: Bool = false,
        isAuthentic: Bool = false
    ) -> [UInt8] {
        // QR and AA; RA, and AD where it is due.
        let second = 0x80 | (isAuthentic ? 0x20 : 0) | code
        var bytes = Array(query.id) + [0x84 | query.flags | (isTruncated ? 2 : 0), second]
        bytes += [0, 1, UInt8(truncatingIfNeeded: records.count >> 8)]
        bytes += [UInt8(truncatingIfNeeded: records.count), 0, 0, 0, 0]
        return bytes + query.question + records.flatMap(\.self)
    }

    private static func record(_ owner: DomainName, _ item: Node.Item) -> [UInt8] {
        let numbers: [(UInt32, Int)] = [
            (UInt32(item.type), 2), (1, 2), (item.timeToLive, 4),
            (UInt32(truncatingIfNeeded: item.data.count), 2),
        ]
        let fixed = numbers.flatMap { value, count in
            (0..<count).reversed().map { UInt8(truncatingIfNeeded: value >> (8 * UInt32($0))) }
        }
        return owner.wire + fixed + item.data
    }
}
