// Tests of checks with records of our own: limits, evidence, hostile records.
// SPDX-License-Identifier: MIT

import Control
import MailModel
import Resolver
import TestSupport
import Testing
import UnixIO

@testable import SenderPolicy

struct SenderPolicyTests {
    private func check(
        _ zone: String, client: String = "192.0.2.1", sender: String = "me@a.test",
        helo: String = "helo.test", identity: SPFIdentity = .mailfrom,
        timeout: Duration = .seconds(20)
    ) throws -> SPFFinding {
        let service = try Service.zone(zone, in: try TestFolder())
        let policy = SenderPolicy(
            resolver: Resolver(servers: [try #require(Endpoint(service.ready))]),
            receiver: Array("mx.test".utf8), timeout: timeout)
        let question = SPFQuestion(
            client: try #require(IPAddress(client)), helo: Array(helo.utf8),
            reversePath: try ReversePath(sender.utf8), identity: identity)
        var cache = AnswerCache()
        return policy.check(try #require(question), cache: &cache)
    }

    @Test func `a client on this host is judged like any other`() throws {
        let zone = "a.test. TXT \"v=spf1 -all\""
        #expect(try check(zone, client: "127.0.0.1").result == .fail)
        #expect(try check(zone, client: "::1").result == .fail)
    }

    @Test(arguments: [
        ("ip4:192.0.2.0/24 -all", "ip4:192.0.2.0/24"), ("-all", "all"),
        ("ip6:::/0 a:b.test ip4:192.0.2.1 -all", "ip4:192.0.2.1"),
        ("include:c.test -all", "include:c.test"), ("a:b.test/24 ip4:192.0.2.1", "a:b.test/24"),
        ("exists:%{i}.none.test ?mx:d.test -all", "mx:d.test"), ("a:b.test", "default"),
        ("redirect=c.test", "ip4:192.0.2.1"), ("ip4:192.0.2.1/0 -all", "ip4:192.0.2.1/0"),
        ("mx:d.test/0 -all", "mx:d.test/0"),
    ])
    func `the evidence names the mechanism that decided`(terms: String, mechanism: String) throws {
        let finding = try check(
            """
            a.test. TXT "v=spf1 \(terms)"
            b.test. A 192.0.2.7
            c.test. TXT "v=spf1 a:b.test ip4:192.0.2.1 -all"
            d.test. MX 10 m.test.
            m.test. A 192.0.2.1
            """)
        #expect(finding.mechanism == mechanism)
    }

    @Test func `look-ups, void ones and questions are counted`() throws {
        let finding = try check(
            """
            a.test. TXT "v=spf1 a:b.test include:c.test exists:none.test -all"
            b.test. A 192.0.2.7
            c.test. TXT "v=spf1 mx:none.test ?all"
            """)
        #expect(finding.result == .fail)
        #expect(finding.lookups == 4)
        #expect(finding.voidLookups == 2)
        #expect(
            finding.queries
                == ["TXT a.test", "A b.test", "TXT c.test", "MX none.test", "A none.test"])
    }

    @Test func `look-ups inside of includes count too`() throws {
        let many = String(repeating: "a:b.test ", count: 5)
        let finding = try check(
            """
            a.test. TXT "v=spf1 include:c.test include:c.test -all"
            b.test. A 192.0.2.7
            c.test. TXT "v=spf1 \(many)"
            """)
        #expect(finding.result == .permerror)
        #expect(finding.lookups == 10)
    }

    @Test func `a record of many terms is evaluated to its end`() throws {
        let terms = (1...150).map { "ip4:198.51.100.\($0)" }.joined(separator: " ")
        let finding = try check("a.test. TXT \"v=spf1 \(terms) ip4:192.0.2.1 -all\"")
        #expect(finding.result == .pass)
        #expect(finding.mechanism == "ip4:192.0.2.1")
    }

    @Test func `more terms than we take are a permerror`() throws {
        let terms = (0...SenderPolicy.maximumTerms).map { "ip4:10.0.\($0 / 256).\($0 % 256)" }
        let finding = try check("a.test. TXT \"v=spf1 \(terms.joined(separator: " ")) -all\"")
        #expect(finding.result == .permerror)
    }

    @Test func `a zone that is silent is a temperror within the time`() throws {
        let start = Deadline.after(.seconds(10))
        let finding = try check("a.test. TIMEOUT", timeout: .milliseconds(300))
        #expect(finding.result == .temperror)
        #expect(!start.hasPassed)
    }

    @Test(arguments: [
        "a:broken.test", "mx:broken.test", "include:broken.test", "exists:broken.test",
    ])
    func `a look-up that fails is a temperror`(term: String) throws {
        let finding = try check("a.test. TXT \"v=spf1 \(term) -all\"\nbroken.test. SERVFAIL")
        #expect(finding.result == .temperror)
    }

    @Test func `names of a client that cannot be looked up do not match`() throws {
        let finding = try check(
            "a.test. TXT \"v=spf1 ptr -all\"\n1.2.0.192.in-addr.arpa. SERVFAIL")
        #expect(finding.result == .fail)
    }

    @Test func `a null reverse-path is postmaster of HELO`() throws {
        let zone = "helo.test. TXT \"v=spf1 exists:%{l}.%{o}.yes.test -all\""
        let finding = try check("\(zone)\npostmaster.helo.test.yes.test. A 127.0.0.2", sender: "")
        #expect(finding.result == .pass)
        #expect(finding.question.sender.description == "postmaster@helo.test")
    }

    @Test func `HELO can be checked by itself`() throws {
        let zone = "helo.test. TXT \"v=spf1 -all\"\na.test. TXT \"v=spf1 +all\""
        let finding = try check(zone, identity: .helo)
        #expect(finding.result == .fail)
        #expect(finding.question.domain == Array("helo.test".utf8))
    }

    @Test(arguments: ["me@localhost", "me", "me@[192.0.2.1]", "me@a..test", "@"])
    func `a sender without a domain has no policy`(sender: String) throws {
        #expect(try check("test. TXT \"v=spf1 -all\"", sender: sender).result == .none)
    }

    @Test func `an explanation that is too long is left out`() throws {
        let words = String(repeating: "why ", count: 300)
        let finding = try check(
            "a.test. TXT \"v=spf1 exp=b.test -all\"\nb.test. TXT \"\(words)\"")
        #expect(finding.result == .fail)
        #expect(finding.explanation == nil)
    }

    @Test func `damaged records come to a result and not to a crash`() throws {
        let record = "v=spf1 a:%{d2r-}.b.test/24//64 ip6:2001:db8::/32 exp=%{S}.c.test mx/8 -all"
        var zone = ""
        for number in 0..<400 {
            var bytes = Array(record.utf8)
            for _ in 0...(number % 3) {
                let position = Int.random(in: 7..<bytes.count)
                bytes[position] = number % 2 == 0 ? .random(in: 0...255) : .random(in: 32...126)
            }
            let text = bytes.map { byte -> String in
                let digits = String(byte)
                return "\\" + String(repeating: "0", count: 3 - digits.count) + digits
            }
            zone += "n\(number).test. TXT \"\(text.joined())\"\n"
        }
        let service = try Service.zone(zone, in: try TestFolder())
        let policy = SenderPolicy(
            resolver: Resolver(servers: [try #require(Endpoint(service.ready))]),
            receiver: Array("mx.test".utf8))
        var cache = AnswerCache()
        for number in 0..<400 {
            let question = SPFQuestion(
                client: try #require(IPAddress("192.0.2.1")), helo: Array("h.test".utf8),
                reversePath: try ReversePath("x%{d}-\u{1}@n\(number).test".utf8),
                identity: .mailfrom)
            // A record of only printable damage may still pass; none is no result of a record.
            #expect(policy.check(try #require(question), cache: &cache).result != .none)
        }
    }
}
