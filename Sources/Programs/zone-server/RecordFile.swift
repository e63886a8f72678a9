// RecordFile: the data of a record, from words to the wire.
// RFC 1035, section 5; zone-server(8), section ZONE FILE.
// SPDX-License-Identifier: MIT

import MailModel
import Resolver

enum RecordFile {
    static let startOfAuthority: UInt16 = 6

    /// The number of the type and the data.
    static func data(_ type: String, _ words: [Word]) throws(Complaint) -> (UInt16, [UInt8]) {
        switch type {
        case "A": (RecordType.a.rawValue, try address(words, isVersion4: true))
        case "AAAA": (RecordType.aaaa.rawValue, try address(words, isVersion4: false))
        case "MX":
            (RecordType.mx.rawValue, try number(words.first, bytes: 2) + name(words.dropFirst()))
        case "CNAME": (RecordType.cname.rawValue, try name(words[...]))
        case "PTR": (RecordType.ptr.rawValue, try name(words[...]))
        case "NS": (RecordType.ns.rawValue, try name(words[...]))
        case "TXT": (RecordType.txt.rawValue, strings(words))
        case "SOA": (startOfAuthority, try authority(words))
        case "TLSA": (RecordType.tlsa.rawValue, try association(words))
        default: throw Complaint("unknown type \(type)")
        }
    }

    private static func address(_ words: [Word], isVersion4: Bool) throws(Complaint) -> [UInt8] {
        guard words.count == 1, let address = IPAddress(words[0].bytes) else {
            throw Complaint("one address is wanted")
        }
        if address.isVersion4 == isVersion4 { return address.bytes }
        // ::ffff:a.b.c.d is a.b.c.d to IPAddress; on the wire it has its sixteen bytes.
        guard !isVersion4, words[0].bytes.contains(0x3A) else {
            throw Complaint("an address of the other family")
        }
        return [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF] + address.bytes
    }

    private static func name(_ words: ArraySlice<Word>) throws(Complaint) -> [UInt8] {
        guard words.count == 1, let word = words.first, let name = DomainName(word.bytes) else {
            throw Complaint("one name is wanted")
        }
        return name.wire
    }

    private static func number(_ word: Word?, bytes: Int) throws(Complaint) -> [UInt8] {
        guard let value = word?.bytes.decimalValue, value >> (8 * bytes) == 0 else {
            throw Complaint("a number of \(bytes * 8) bits is wanted")
        }
        return (0..<bytes).reversed().map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
    }

    /// Each word is one string; one of over 255 bytes is cut into several.
    private static func strings(_ words: [Word]) -> [UInt8] {
        words.flatMap { word -> [UInt8] in
            guard !word.bytes.isEmpty else { return [0] }
            return stride(from: 0, to: word.bytes.count, by: 255).flatMap { start in
                let part = word.bytes[start...].prefix(255)
                return [UInt8(truncatingIfNeeded: part.count)] + part
            }
        }
    }

    private static func authority(_ words: [Word]) throws(Complaint) -> [UInt8] {
        guard words.count == 7 else {
            throw Complaint("two names and five numbers are wanted")
        }
        var data = try name(words[0..<1]) + name(words[1..<2])
        for word in words[2...] { data += try number(word, bytes: 4) }
        return data
    }

    private static func association(_ words: [Word]) throws(Complaint) -> [UInt8] {
        guard words.count == 4 else { throw Complaint("three numbers and hex digits are wanted") }
        var data: [UInt8] = []
        for word in words[..<3] { data += try number(word, bytes: 1) }
        let digits = words[3].bytes.map { Character(UnicodeScalar($0)).hexDigitValue }
        guard digits.count.isMultiple(of: 2), !digits.contains(nil) else {
            throw Complaint("hex digits are wanted")
        }
        let values = digits.compactMap { $0 }
        for index in stride(from: 0, to: values.count, by: 2) {
            data.append(UInt8(values[index] << 4 | values[index + 1]))
        }
        return data
    }
}
