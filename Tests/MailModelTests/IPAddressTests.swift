// Tests of IPAddress and Network.
// SPDX-License-Identifier: MIT

import MailModel
import Testing

struct IPAddressTests {
    @Test(arguments: [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("::FFFF:c000:201", "192.0.2.1"),
        ("2001:DB8:0:0:0:0:0:1", "2001:db8::1"),
        ("2001:db8::1:0:0:1", "2001:db8::1:0:0:1"),
        ("2001:0:0:1:0:0:0:1", "2001:0:0:1::1"),
        ("::", "::"),
        ("::1", "::1"),
        ("1::", "1::"),
        ("2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"),
        ("64:ff9b::192.0.2.33", "64:ff9b::c000:221"),
    ])
    func `an address prints in its canonical form`(text: String, canonical: String) {
        #expect(IPAddress(text)?.description == canonical)
    }

    @Test(arguments: [
        "", "1.2.3", "1.2.3.4.5", "1.2.3.256", "01.2.3.4", "1.2.3.4 ", " 1.2.3.4", "1..2.3",
        "1.2.3.-4",
        ":", ":::", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1::2::3", "12345::", "g::", "::1%lo",
        "1:2:3:4:5:6:7::8", "+1::", "::1.2.3", "1.2.3.4::", ":1::2",
    ])
    func `what is no address is refused`(text: String) {
        #expect(IPAddress(text) == nil)
    }

    @Test(arguments: [
        ("192.0.2.0/24", "192.0.2.255", true), ("192.0.2.0/24", "192.0.3.0", false),
        ("192.0.2.77/24", "192.0.2.1", true), ("192.0.2.1", "192.0.2.1", true),
        ("192.0.2.1", "192.0.2.2", false), ("0.0.0.0/0", "8.8.8.8", true),
        ("0.0.0.0/0", "2001:db8::1", false), ("2001:db8::/33", "2001:db8:7fff::1", true),
        ("2001:db8::/33", "2001:db8:8000::1", false), ("::/0", "::1", true),
    ])
    func `a network holds the addresses of its prefix`(
        network: String, address: String, isInside: Bool
    ) throws {
        let network = try #require(Network(Array(network.utf8)))
        #expect(network.contains(try #require(IPAddress(address))) == isInside)
    }

    @Test(arguments: [
        "192.0.2.0/33", "192.0.2.0/", "192.0.2.0/-1", "::/129", "/24", "x/8", "1.2.3.4/8/8",
    ])
    func `what is no network is refused`(text: String) {
        #expect(Network(Array(text.utf8)) == nil)
    }

    @Test func `an address literal is written as in RFC 5321`() {
        #expect(IPAddress("192.0.2.1")?.literal == "[192.0.2.1]")
        #expect(IPAddress("2001:db8::1")?.literal == "[IPv6:2001:db8::1]")
    }
}
