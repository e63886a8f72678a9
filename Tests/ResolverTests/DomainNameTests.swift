// SPDX-License-Identifier: MIT

import MailModel
import Testing

@testable import Resolver

struct DomainNameTests {
    private static let longLabel = String(repeating: "a", count: 64)
    /// 63 + 1 + 63 + 1 + 63 + 1 + 61 = 253 bytes, 255 on the wire.
    private static let longest =
        [63, 63, 63, 61].map { String(repeating: "a", count: $0) }.joined(separator: ".")

    @Test(arguments: [
        "", "..", "a..b", ".a", longLabel, "\(longLabel).test", "\(longest)b", "a.\(longest)",
    ])
    func `what the DNS cannot hold is no name`(text: String) {
        #expect(DomainName(Array(text.utf8)) == nil)
    }

    @Test(arguments: [
        "a", "a.b", "a.b.", longest, "foo:bar/baz.test", "with blank.test", "\u{1}.a",
    ])
    func `a name survives the wire`(text: String) throws {
        let name = try #require(DomainName(Array(text.utf8)))
        #expect(DomainName(wire: name.wire) == name)
        #expect(name.wire.count <= 255)
    }

    @Test func `a final dot and case do not count`() {
        #expect(DomainName(Array("Example.TEST.".utf8)) == DomainName(Array("example.test".utf8)))
    }

    @Test func `the root is a name of no label`() {
        #expect(DomainName([0x2E]) == .root)
        #expect(DomainName.root.wire == [0])
        #expect(DomainName.root.labels.isEmpty)
    }

    @Test func `a label with a dot in it cannot be text`() {
        #expect(DomainName(wire: [3, 0x61, 0x2E, 0x62, 0]) == nil)
    }

    @Test(arguments: [[], [1], [1, 0x61], [0, 0], [64] + [UInt8](repeating: 0x61, count: 65)])
    func `a wire form that is cut short or goes on is no name`(wire: [UInt8]) {
        #expect(DomainName(wire: wire) == nil)
    }

    @Test(arguments: [
        ("192.0.2.1", "1.2.0.192.in-addr.arpa"),
        (
            "2001:db8::567:89ab",
            "b.a.9.8.7.6.5.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa"
        ),
    ])
    func `an address has its reverse name`(address: String, name: String) throws {
        let address = try #require(IPAddress(address))
        #expect(DomainName.reverse(of: address).description == name)
    }
}
