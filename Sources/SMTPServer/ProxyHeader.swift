// ProxyHeader: who a client of a proxy is.
// The PROXY protocol, versions 1 and 2: https://www.haproxy.org/download/3.0/doc/proxy-protocol.txt
// SPDX-License-Identifier: MIT

import MailModel
import MailQueue
import UnixIO

/// What a header says.
enum ProxyHeader: Equatable {
    /// The proxy speaks for itself, to see whether we are well.
    case local
    /// The proxy does not know, or not in our terms, for whom it speaks.
    case unknown
    /// The ends of the client's own connection.
    case client(InternetEndpoint, local: InternetEndpoint)

    /// Why a header is none.
    struct Malformed: Error, Equatable {
        let reason: String
    }

    /// How long a header of version 1 may be, with its CRLF. Section 2.1.
    static let longestLine = 107
    /// The bytes of a header of version 2 before its addresses.
    static let fixedLength = 16
    /// The longest header of version 2 that is taken, in bytes.
    static let longestBinary = 16 << 10

    /// With which a header of version 2 begins.
    static let signature: [UInt8] = [
        0x0D, 0x0A, 0x0D, 0x0A, 0x00, 0x0D, 0x0A, 0x51, 0x55, 0x49, 0x54, 0x0A,
    ]
    static let word = Array("PROXY ".utf8)

    /// Reads a line of version 1, without its CRLF.
    init(line: [UInt8]) throws(Malformed) {
        let parts = line.split(separator: 0x20, omittingEmptySubsequences: false)
        guard parts.count >= 2, parts[0].elementsEqual("PROXY".utf8) else {
            throw Malformed(reason: "no header")
        }
        // Whatever else the line holds must be ignored then.
        if parts[1].elementsEqual("UNKNOWN".utf8) {
            self = .unknown
            return
        }
        let isVersion4 = parts[1].elementsEqual("TCP4".utf8)
        guard isVersion4 || parts[1].elementsEqual("TCP6".utf8), parts.count == 6 else {
            throw Malformed(reason: "not a line of version 1")
        }
        guard let source = ProxyHeader.address(parts[2], isVersion4),
            let destination = ProxyHeader.address(parts[3], isVersion4)
        else { throw Malformed(reason: "an address of version 1") }
        guard let from = ProxyHeader.port(parts[4]), let to = ProxyHeader.port(parts[5]),
            let client = InternetEndpoint(address: source.bytes, port: from),
            let local = InternetEndpoint(address: destination.bytes, port: to)
        else { throw Malformed(reason: "a port of version 1") }
        self = .client(client, local: local)
    }

    /// How many bytes a header of version 2 has after its first 16, which are given.
    static func rest(after fixed: [UInt8]) throws(Malformed) -> Int {
        guard fixed.count == fixedLength, fixed.starts(with: signature), fixed[12] >> 4 == 2 else {
            throw Malformed(reason: "no header")
        }
        let length = Int(fixed[14]) << 8 | Int(fixed[15])
        guard fixedLength + length <= longestBinary else {
            throw Malformed(reason: "the header is too long")
        }
        return length
    }

    /// Reads a whole header of version 2.
    init(binary: [UInt8]) throws(Malformed) {
        let fixed = Array(binary.prefix(ProxyHeader.fixedLength))
        let length = try ProxyHeader.rest(after: fixed)
        guard binary.count == ProxyHeader.fixedLength + length else {
            throw Malformed(reason: "the header is cut short")
        }
        switch fixed[12] & 0x0F {
        // What follows is ignored, the family included.
        case 0: self = .local
        case 1: self = try ProxyHeader.proxied(binary, family: fixed[13])
        default: throw Malformed(reason: "the command of version 2")
        }
    }

    private static func proxied(
        _ binary: [UInt8], family: UInt8
    ) throws(Malformed) -> ProxyHeader {
        let blocks: [UInt8: Int] = [0x11: 12, 0x12: 12, 0x21: 36, 0x22: 36, 0x31: 216, 0x32: 216]
        guard family >> 4 <= 3, family & 0x0F <= 2 else {
            throw Malformed(reason: "the family of version 2")
        }
        // Half unspecified says as little as wholly so.
        guard let block = blocks[family] else { return .unknown }
        let addresses = binary[fixedLength...].prefix(block)
        guard addresses.count == block else { throw Malformed(reason: "too short for addresses") }
        try checkExtensions(binary, from: fixedLength + block)
        // Of valid combinations those that we have no use for count as unspecified.
        guard family == 0x11 || family == 0x21 else { return .unknown }
        let size = family == 0x11 ? 4 : 16
        let (source, rest) = (addresses.prefix(size), addresses.dropFirst(size))
        let ports = rest.dropFirst(size).map { UInt16($0) }
        guard ports.count == 4,
            let client = InternetEndpoint(address: Array(source), port: ports[0] << 8 | ports[1]),
            let local = InternetEndpoint(
                address: Array(rest.prefix(size)), port: ports[2] << 8 | ports[3])
        else { throw Malformed(reason: "addresses of version 2") }
        return .client(client, local: local)
    }

    /// Section 2.2: type, length and value, one after the other up to the end. All but the
    /// checksum are passed over.
    private static func checkExtensions(_ binary: [UInt8], from start: Int) throws(Malformed) {
        var position = start
        while position < binary.count {
            guard binary.count - position >= 3 else { throw Malformed(reason: "an extension") }
            let length = Int(binary[position + 1]) << 8 | Int(binary[position + 2])
            let value = position + 3
            guard binary.count - value >= length else { throw Malformed(reason: "an extension") }
            if binary[position] == crcType { try check(binary, value, length) }
            position = value + length
        }
    }

    /// PP2_TYPE_CRC32C.
    private static let crcType: UInt8 = 0x03

    /// Section 2.2.4.
    private static func check(_ binary: [UInt8], _ value: Int, _ length: Int) throws(Malformed) {
        guard length == 4 else { throw Malformed(reason: "the checksum's length") }
        let given = binary[value..<(value + 4)].reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
        var cleared = binary
        for index in value..<(value + 4) { cleared[index] = 0 }
        guard CRC32C(cleared).value == given else { throw Malformed(reason: "the checksum") }
    }

    private static func address(_ text: ArraySlice<UInt8>, _ isVersion4: Bool) -> IPAddress? {
        // A mapped address counts as IPv4 with us, and here it says that it is none.
        guard let address = IPAddress(text), text.contains(0x3A) != isVersion4 else { return nil }
        return address
    }

    private static func port(_ text: ArraySlice<UInt8>) -> UInt16? {
        guard text.count == 1 || text.first != 0x30 else { return nil }
        return text.decimalValue.flatMap(UInt16.init(exactly:))
    }
}
