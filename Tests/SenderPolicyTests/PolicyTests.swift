// Tests of the grammar of records. RFC 7208, appendix A.
// SPDX-License-Identifier: MIT

import MailModel
import Testing

@testable import SenderPolicy

struct PolicyTests {
    private func policy(_ terms: String) throws -> Policy {
        try Policy(record: Array("v=spf1 \(terms)".utf8))
    }

    @Test(arguments: [
        "v=spf1", "V=SPF1 -all", "v=spf1 ", "v=spf1 %", "v=spf1 \u{1}",
    ])
    func `a record is a policy by its version alone`(text: String) {
        #expect(Policy.isPolicy(Array(text.utf8)))
    }

    @Test(arguments: [
        "", "v=spf", "v=spf10", "v=spf1-all", " v=spf1", "v=spf1\t-all", "spf2.0/pra",
    ])
    func `any other text is none`(text: String) {
        #expect(!Policy.isPolicy(Array(text.utf8)))
    }

    @Test(arguments: [
        "all", "-ALL", "a", "mx", "ptr", "A/24", "a//64", "a/0//0", "mx:b.test/24//64",
        "a:foo:bar/baz.example.test", "include:b.test", "exists:%{ir}.b.test.", "ptr:b.test",
        "ip4:192.0.2.1", "ip4:192.0.2.0/0", "ip6:::", "ip6:2001:db8::/32", "ip6:::1.2.3.4/128",
        "redirect=b.test", "exp=b.test", "x-y.z_1=", "unknown=%{d}", "a:b.xn--zckzah", "?mx  ~all ",
    ])
    func `what the grammar allows`(terms: String) throws {
        _ = try policy(terms)
    }

    @Test(arguments: [
        "all:", "all/8", "all.", "moo", "-", "--all", "a:", "a:b", "a:b.123", "a:b.-c", "a:b.c-",
        "a/33", "a//129", "a/", "a/24/64", "a/024", "a///8", "mx:b.test/", "include", "include:",
        "include:b.test/24", "exists", "ip4", "ip4:", "ip4:1.2.3", "ip4:1.2.3.4/33",
        "ip4:1.2.3.04", "ip4:1.2.3.4/", "ip4:1.2.3.4//32", "ip4:::1", "ip6:1.2.3.4", "ip6::1::2",
        "ip6:::/129", "ptr/24", "redirect:b.test", "redirect=", "exp=-all", "=all", "1up=x",
        "redirect=b.test redirect=c.test", "exp=b.test exp=b.test", "x=%a", "a\t-all", "a\u{A0}",
        "-redirect=b.test", "a:%{c}.b.test", "a:b.test\u{0}",
    ])
    func `what the grammar forbids`(terms: String) {
        #expect(throws: PolicySyntaxError.self) { try policy(terms) }
    }

    @Test func `terms keep their order and their words`() throws {
        let directives = try policy("?a -MX:b.test/8 all exp=c.test").directives
        #expect(directives.map(\.text.printable) == ["a", "MX:b.test/8", "all"])
        #expect(directives.map(\.qualifier) == [.neutral, .fail, .pass])
    }

    @Test(arguments: [
        ("192.0.2.0/24", "192.0.2.255", true), ("192.0.2.0/25", "192.0.2.128", false),
        ("0.0.0.0/0", "203.0.113.1", true), ("192.0.2.1", "192.0.2.2", false),
    ])
    func `a block holds what has its prefix`(block: String, client: String, holds: Bool) throws {
        let block = try AddressBlock(version4: Array(block.utf8)[...])
        #expect(block.contains(try #require(IPAddress(client))) == holds)
    }

    @Test func `a mapped block holds no IPv4 address`() throws {
        let block = try AddressBlock(version6: Array("::ffff:192.0.2.1".utf8)[...])
        #expect(!block.contains(try #require(IPAddress("192.0.2.1"))))
        #expect(block.bytes.count == 16)
    }

    @Test func `no mutation of a record crashes the parser`() {
        let record = Array(
            "v=spf1 a:%{d2r-}.b.test/24//64 ip6:2001:db8::/32 exp=%{S}.c.test -all".utf8)
        for position in record.indices {
            for value in UInt8.min...UInt8.max {
                var bytes = record
                bytes[position] = value
                _ = try? Policy(record: bytes)
                bytes.removeSubrange(Int.random(in: 0...position)...position)
                _ = try? Policy(record: bytes)
            }
        }
    }
}
