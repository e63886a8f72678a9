// Tests of ProxyHeader.
// The PROXY protocol, versions 1 and 2.
// SPDX-License-Identifier: MIT

import MailModel
import MailQueue
import Testing
import UnixIO

@testable import SMTPServer

@Suite struct ProxyHeaderTests {
    private static let lines: [(String, String)] = [
        ("PROXY TCP4 192.0.2.1 198.51.100.2 65535 25", "192.0.2.1:65535 198.51.100.2:25"),
        ("PROXY TCP4 255.255.255.255 0.0.0.0 0 0", "255.255.255.255:0 0.0.0.0:0"),
        ("PROXY TCP6 2001:db8::1 ::2 1 465", "2001:db8::1:1 ::2:465"),
        ("PROXY UNKNOWN", "unknown"),
        ("PROXY UNKNOWN ffff:f...f:ffff 65535 65535 and more", "unknown"),
        ("PROXY", "no header"),
        ("PROXY ", "not a line"),
        ("EHLO x", "no header"),
        ("proxy TCP4 192.0.2.1 198.51.100.2 1 2", "no header"),
        ("PROXY UDP4 192.0.2.1 198.51.100.2 1 2", "not a line"),
        ("PROXY TCP4 192.0.2.1 198.51.100.2 1", "not a line"),
        ("PROXY TCP4 192.0.2.1 198.51.100.2 1 2 3", "not a line"),
        ("PROXY TCP4  192.0.2.1 198.51.100.2 1 2", "not a line"),
        ("PROXY TCP4 192.0.2.256 198.51.100.2 1 2", "an address"),
        ("PROXY TCP4 192.0.02.1 198.51.100.2 1 2", "an address"),
        ("PROXY TCP4 ::1 198.51.100.2 1 2", "an address"),
        ("PROXY TCP6 192.0.2.1 ::1 1 2", "an address"),
        ("PROXY TCP4 192.0.2.1 198.51.100.2 65536 2", "a port"),
        ("PROXY TCP4 192.0.2.1 198.51.100.2 01 2", "a port"),
        ("PROXY TCP4 192.0.2.1 198.51.100.2 -1 2", "a port"),
        ("PROXY TCP4 192.0.2.1 198.51.100.2 1 ", "a port"),
    ]

    @Test(arguments: lines)
    func `a line of version 1`(_ line: String, _ expected: String) {
        let result = ProxyHeaderTests.text { () throws(ProxyHeader.Malformed) in
            try ProxyHeader(line: Array(line.utf8))
        }
        #expect(result.hasPrefix(expected), "\(line): \(result)")
    }

    /// A header of version 2.
    private static func header(
        _ command: UInt8, _ family: UInt8, _ rest: [UInt8], length: Int? = nil
    ) -> [UInt8] {
        let count = length ?? rest.count
        return ProxyHeader.signature + [command, family, UInt8(count >> 8), UInt8(count & 0xFF)]
            + rest
    }

    private static let four: [UInt8] = [192, 0, 2, 1, 198, 51, 100, 2, 0x12, 0x34, 0, 25]
    private static let six: [UInt8] =
        [0x20, 0x01, 0x0D, 0xB8] + [UInt8](repeating: 0, count: 11) + [1]
        + [UInt8](repeating: 0, count: 15) + [2, 0, 1, 1, 0xD1]
    private static let unix = [UInt8](repeating: 0x2F, count: 216)

    private static let binaries: [(UInt8, UInt8, [UInt8], String, String)] = [
        (0x21, 0x11, four, "192.0.2.1:4660 198.51.100.2:25", "TCP over IPv4"),
        (0x21, 0x21, six, "2001:db8::1:1 ::2:465", "TCP over IPv6"),
        (0x21, 0x11, four + [4, 0, 2, 9, 9], "192.0.2.1:4660", "an extension"),
        (0x21, 0x11, four + [4, 0, 0, 0xE0, 0, 1, 7], "192.0.2.1:4660", "two extensions"),
        (0x20, 0x00, [], "local", "LOCAL"),
        (0x20, 0xFF, [1, 2, 3], "local", "LOCAL, whatever the family and what follows"),
        (0x21, 0x00, [], "unknown", "UNSPEC"),
        (0x21, 0x00, [1, 2, 3], "unknown", "UNSPEC with what is to be skipped"),
        (0x21, 0x10, four, "unknown", "half UNSPEC"),
        (0x21, 0x12, four, "unknown", "UDP"),
        (0x21, 0x22, six, "unknown", "UDP over IPv6"),
        (0x21, 0x31, unix, "unknown", "a Unix socket"),
        (0x21, 0x13, four, "the family", "a protocol that is not defined"),
        (0x21, 0x41, four, "the family", "a family that is not defined"),
        (0x22, 0x11, four, "the command", "a command that is not defined"),
        (0x11, 0x11, four, "no header", "version 1 in binary"),
        (0x31, 0x11, four, "no header", "version 3"),
        (0x21, 0x11, Array(four.dropLast()), "too short", "less than the addresses"),
        (0x21, 0x21, four, "too short", "IPv4 that says IPv6"),
        (0x21, 0x11, four + [4], "an extension", "an extension cut in its type"),
        (0x21, 0x11, four + [4, 0], "an extension", "an extension cut in its length"),
        (0x21, 0x11, four + [4, 0, 2, 9], "an extension", "an extension cut in its value"),
        (0x21, 0x11, four + [4, 0xFF, 0xFF], "an extension", "an extension that is too long"),
        (0x21, 0x11, four + [3, 0, 4, 0, 0, 0, 0], "the checksum", "a wrong checksum"),
        (0x21, 0x11, four + [3, 0, 3, 0, 0, 0], "the checksum's length", "a short checksum"),
    ]

    @Test(arguments: binaries)
    func `a header of version 2`(
        _ command: UInt8, _ family: UInt8, _ rest: [UInt8], _ expected: String, _ reason: String
    ) {
        let result = ProxyHeaderTests.text { () throws(ProxyHeader.Malformed) in
            try ProxyHeader(binary: ProxyHeaderTests.header(command, family, rest))
        }
        #expect(result.hasPrefix(expected), "\(reason): \(result)")
    }

    @Test func `a right checksum is right, and no bit of the header may change then`() throws {
        let extensions: [UInt8] = [4, 0, 1, 7, 3, 0, 4, 0, 0, 0, 0]
        let header = ProxyHeaderTests.header(0x21, 0x11, ProxyHeaderTests.four + extensions)
        let sum = CRC32C(header).value
        let signed = header.dropLast(4) + (0..<4).reversed().map { UInt8(sum >> ($0 * 8) & 0xFF) }
        #expect(throws: Never.self) { try ProxyHeader(binary: Array(signed)) }
        for byte in 16..<28 {
            var changed = Array(signed)
            changed[byte] ^= 1
            #expect(throws: ProxyHeader.Malformed(reason: "the checksum")) {
                try ProxyHeader(binary: changed)
            }
        }
    }

    @Test func `a header ends where it says`() {
        let header = ProxyHeaderTests.header(0x21, 0x11, ProxyHeaderTests.four)
        for count in 0..<header.count {
            #expect(throws: ProxyHeader.Malformed.self) {
                try ProxyHeader(binary: Array(header.prefix(count)))
            }
        }
        #expect(throws: ProxyHeader.Malformed.self) { try ProxyHeader(binary: header + [0]) }
        let long = ProxyHeaderTests.header(0x20, 0, [], length: 0xFFFF)
        #expect(throws: ProxyHeader.Malformed(reason: "the header is too long")) {
            try ProxyHeader.rest(after: long)
        }
    }

    private static func text(
        _ read: () throws(ProxyHeader.Malformed) -> ProxyHeader
    ) -> String {
        do throws(ProxyHeader.Malformed) {
            switch try read() {
            case .local: return "local"
            case .unknown: return "unknown"
            case .client(let client, let local):
                return [client, local].map { end in
                    (IPAddress(bytes: end.address)?.description ?? "?") + ":\(end.port)"
                }.joined(separator: " ")
            }
        } catch {
            return error.reason
        }
    }
}
