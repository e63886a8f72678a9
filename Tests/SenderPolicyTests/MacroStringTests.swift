// Tests of macros: the examples of RFC 7208, section 7.4, and what the grammar forbids.
// SPDX-License-Identifier: MIT

import MailModel
import Testing

@testable import SenderPolicy

struct MacroStringTests {
    private func values(_ client: String) throws -> MacroValues {
        MacroValues(
            sender: try Mailbox("strong-bad@email.example.com".utf8),
            client: try #require(IPAddress(client)), helo: Array("host.test".utf8),
            receiver: Array("mx.test".utf8), time: 86_400,
            domain: Array("email.example.com".utf8))
    }

    private func expand(_ text: String, _ client: String = "192.0.2.3") throws -> String {
        let macro = try MacroString(Array(text.utf8), in: .explanation)
        let values = try values(client)
        let bytes = macro.expanded(values) { Array("mx.example.org".utf8) }
        return String(decoding: try #require(bytes), as: UTF8.self)
    }

    @Test(arguments: [
        ("%{s}", "strong-bad@email.example.com"), ("%{o}", "email.example.com"),
        ("%{d}", "email.example.com"), ("%{d4}", "email.example.com"),
        ("%{d3}", "email.example.com"), ("%{d2}", "example.com"), ("%{d1}", "com"),
        ("%{dr}", "com.example.email"), ("%{d2r}", "example.email"), ("%{l}", "strong-bad"),
        ("%{l-}", "strong.bad"), ("%{lr}", "strong-bad"), ("%{lr-}", "bad.strong"),
        ("%{l1r-}", "strong"), ("%{ir}.%{v}._spf.%{d2}", "3.2.0.192.in-addr._spf.example.com"),
        ("%{lr-}.lp._spf.%{d2}", "bad.strong.lp._spf.example.com"),
        ("%{ir}.%{v}.%{l1r-}.lp._spf.%{d2}", "3.2.0.192.in-addr.strong.lp._spf.example.com"),
        ("%{d2}.trusted-domains.example.net", "example.com.trusted-domains.example.net"),
    ])
    func `the examples of the RFC`(text: String, expansion: String) throws {
        #expect(try expand(text) == expansion)
    }

    @Test func `an IPv6 address is dotted nibbles`() throws {
        #expect(
            try expand("%{ir}.%{v}._spf.%{d2}", "2001:db8::cb01")
                == "1.0.B.C.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.B.D.0.1.0.0.2"
                + ".ip6._spf.example.com")
        #expect(try expand("%{c}", "2001:db8::cb01") == "2001:db8::cb01")
    }

    @Test(arguments: [
        ("%{h} %{p} %{r} %{t}", "host.test mx.example.org mx.test 86400"), ("%%%_%-", "% %20"),
        ("%{S}", "strong-bad%40email.example.com"),
        ("%{d99999999999999999999999}", "email.example.com"), ("%{l1R-}", "strong"),
    ])
    func `other letters and escapes`(text: String, expansion: String) throws {
        #expect(try expand(text) == expansion)
    }

    @Test(arguments: [
        "%", "%a", "%{", "%{}", "%{x}", "%{d0}", "%{d2", "%{d!}", "%{2d}", "%(d)", "a\u{7F}", "é",
        "a\u{0}",
    ])
    func `what is no macro string is an error`(text: String) {
        #expect(throws: PolicySyntaxError.self) {
            try MacroString(Array(text.utf8), in: .explanation)
        }
    }

    @Test(arguments: ["%{c}.test", "%{r}.test", "%{t}.test", "a b.test"])
    func `what only explanations may hold`(text: String) {
        #expect(throws: PolicySyntaxError.self) { try MacroString(domainSpec: Array(text.utf8)) }
    }

    @Test func `a domain over 253 bytes loses labels on the left`() {
        let long = Array("one.two.".utf8) + [UInt8](repeating: 0x61, count: 250)
        #expect(MacroString.domain(long) == [UInt8](repeating: 0x61, count: 250))
    }

    @Test func `an expansion that grows beyond the limit is none`() throws {
        let text = String(repeating: "%{s}", count: 1000)
        let macro = try MacroString(Array(text.utf8), in: .explanation)
        #expect(macro.expanded(try values("192.0.2.3")) { [] } == nil)
    }
}
