// Message: DNS queries and answers as bytes.
// RFC 1035, section 4; res_nmkquery(3), ns_parserr(3).
// SPDX-License-Identifier: MIT

import CResolv
import MailModel

/// What was asked.
struct Question: Hashable {
    let name: DomainName
    let type: UInt16

    /// The query with this id; with a payload size of 0 it has no OPT record. With `asksForAD` the
    /// server is to say whether it has validated the answer: RFC 6840, section 5.7.
    func query(
        id: UInt16, payload: UInt16, asksForAD: Bool = false
    ) throws(ResolverError) -> [UInt8] {
        let wire = name.wire
        var length = -1
        var bytes = [UInt8](unsafeUninitializedCapacity: 512) { buffer, filled in
            length = cresolv_query(
                wire, wire.count, type, id, payload, buffer.baseAddress, buffer.count)
            filled = max(0, length)
        }
        guard length > 0, bytes.count > 3 else { throw .badName }
        if asksForAD { bytes[3] |= 0x20 }
        return bytes
    }
}

/// An answer whose header and question were read; its records are read on demand.
struct Message {
    private let bytes: [UInt8]
    private let header: cresolv_header

    /// Nil when the bytes are not a whole DNS message.
    init?(_ bytes: [UInt8]) {
        var header = cresolv_header()
        guard cresolv_header(bytes, bytes.count, &header) == 0 else { return nil }
        self.bytes = bytes
        self.header = header
    }

    /// The response code.
    var code: UInt8 { header.code }

    /// True when the server says that it has validated the answer, which only means something when
    /// that server is trusted to.
    var isAuthentic: Bool { header.is_authentic != 0 }

    /// True when the server had more to say than fits in a datagram.
    var isTruncated: Bool { header.is_truncated != 0 }

    /// True when this is the response to that query: same id, same question. RFC 5452,
    /// section 9.1. A server that did not understand the query may leave the question out.
    func answers(_ question: Question, id: UInt16) -> Bool {
        guard header.is_response != 0, header.is_query_opcode != 0, header.id == id else {
            return false
        }
        if header.questions == 0 { return code == 1 || code == 4 }
        return header.questions == 1 && header.question_class == 1
            && header.question_type == question.type
            && DomainName(header.question_name) == question.name
    }

    /// How long a "no" may be kept, in seconds; nil: not at all. RFC 2308, section 5.
    var negativeTimeToLive: UInt32? {
        UInt32(exactly: cresolv_negative_ttl(bytes, bytes.count))
    }

    /// The records of the answer section.
    func records() throws(ResolverError) -> [Record] {
        let count = Int(header.answers)
        guard count <= Resolver.maximumRecords else { throw .tooManyRecords }
        guard count > 0 else { return [] }
        var parsed = -1
        let found = [cresolv_record](unsafeUninitializedCapacity: count) { buffer, filled in
            parsed = cresolv_answers(bytes, bytes.count, buffer.baseAddress, count)
            filled = max(0, parsed)
        }
        guard parsed == count else { throw .malformed }
        var records: [Record] = []
        for record in found where record.record_class == 1 {
            // An owner with a dot in a label is nobody that we asked for.
            guard let owner = DomainName(record.owner) else { continue }
            records.append(
                Record(
                    owner: owner, type: record.type, timeToLive: record.ttl,
                    data: try data(of: record)))
        }
        return records
    }

    private func data(of record: cresolv_record) throws(ResolverError) -> RecordData {
        guard record.data_offset <= bytes.count,
            record.data_length <= bytes.count - record.data_offset
        else { throw .malformed }
        let data = bytes[record.data_offset..<(record.data_offset + record.data_length)]
        switch RecordType(rawValue: record.type) {
        case .a where data.count == 4, .aaaa where data.count == 16:
            guard let address = IPAddress(bytes: data) else { throw .malformed }
            return .address(address)
        case .a, .aaaa: throw .malformed
        case .txt: return .strings(try Message.strings(data))
        case .mx:
            guard let exchange = DomainName(record.target) else { throw .malformed }
            return .exchanger(MXRecord(preference: record.preference, exchange: exchange))
        case .cname, .ptr, .ns:
            guard let name = DomainName(record.target) else { throw .malformed }
            return .name(name)
        case .tlsa, nil: return .raw(Array(data))
        }
    }

    private static func strings(_ data: ArraySlice<UInt8>) throws(ResolverError) -> [[UInt8]] {
        var rest = data
        var strings: [[UInt8]] = []
        while let length = rest.popFirst() {
            guard Int(length) <= rest.count else { throw .malformed }
            strings.append(Array(rest.prefix(Int(length))))
            rest = rest.dropFirst(Int(length))
        }
        // A record of no string is malformed by RFC 1035 and no reason to know nothing.
        return strings
    }
}

extension DomainName {
    init?(_ name: cresolv_name) {
        let wire = withUnsafeBytes(of: name.bytes) { Array($0.prefix(name.length)) }
        self.init(wire: wire)
    }
}
