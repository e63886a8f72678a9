// Tests of what our own terms, and answers that were kept, change in a check.
// spf-check(8).
// SPDX-License-Identifier: MIT

import Control
import MailModel
import Resolver
import TestSupport
import Testing

@testable import SenderPolicy

struct LocalPolicyTests {
    private let folder: TestFolder
    private let service: Service

    init() throws {
        folder = try TestFolder()
        service = try Service.zone(
            """
            fail.test. TXT "v=spf1 -all"
            soft.test. TXT "v=spf1 ~all"
            neutral.test. TXT "v=spf1 ?all"
            pass.test. TXT "v=spf1 +all"
            broken.test. TXT "v=spf1 nonsense"
            friends.test. TXT "v=spf1 ip4:192.0.2.0/24 -all"
            down.test. SERVFAIL
            """, in: folder)
    }

    private func check(
        _ domain: String, _ terms: String?, _ cache: inout AnswerCache
    ) throws -> SPFFinding {
        let policy = SenderPolicy(
            resolver: Resolver(servers: [try #require(Endpoint(service.ready))], attempts: 1),
            receiver: Array("mx.test".utf8),
            localPolicy: try terms.map { try LocalPolicy(Array($0.utf8)) })
        let question = SPFQuestion(
            client: try #require(IPAddress("192.0.2.1")), helo: Array("helo.test".utf8),
            reversePath: try ReversePath("me@\(domain)".utf8), identity: .mailfrom)
        return policy.check(try #require(question), cache: &cache)
    }

    private func check(_ domain: String, _ terms: String?) throws -> SPFFinding {
        var cache = AnswerCache(limit: 0)
        return try check(domain, terms, &cache)
    }

    @Test(arguments: ["fail.test", "soft.test", "neutral.test", "none.test"])
    func `a domain that lets nobody pass yields to the local policy`(domain: String) throws {
        let finding = try check(domain, "ip4:192.0.2.1")
        #expect(finding.result == .pass)
        #expect(finding.isLocal)
        #expect(finding.mechanism == "ip4:192.0.2.1")
        #expect(try check(domain, "include:friends.test").result == .pass)
        #expect(try check(domain, "ip4:192.0.2.9") == check(domain, nil))
    }

    @Test(arguments: [("pass.test", SPFResult.pass), ("broken.test", .permerror)])
    func `a domain that decides does not`(domain: String, result: SPFResult) throws {
        let finding = try check(domain, "-ip4:192.0.2.1")
        #expect(finding.result == result)
        #expect(!finding.isLocal)
    }

    @Test func `a local policy may also refuse`() throws {
        let finding = try check("none.test", "-ip4:192.0.2.1")
        #expect(finding.result == .fail)
        #expect(finding.isLocal)
    }

    @Test func `what might have let a client pass is not known when it cannot be asked`() throws {
        #expect(try check("fail.test", "include:down.test").result == .temperror)
        // One that never can be asked changes nothing.
        #expect(try check("fail.test", "include:none.test").result == .fail)
    }

    @Test(arguments: ["", "nonsense", "redirect=a.test", "ip4:192.0.2.1 exp=a.test", "ip4:x"])
    func `terms that cannot be read are refused`(terms: String) {
        #expect(throws: PolicySyntaxError.self) { _ = try LocalPolicy(Array(terms.utf8)) }
    }

    @Test func `what was asked before is answered from memory, also when the DNS is gone`() throws {
        var cache = AnswerCache()
        let first = try check("fail.test", "include:friends.test", &cache)
        #expect(first.remembered == 0)
        try service.stop()
        let second = try check("fail.test", "include:friends.test", &cache)
        #expect(second.result == .pass)
        #expect(second.remembered == second.queries.count)
        #expect(second.lookups == first.lookups)
        #expect(try check("pass.test", nil, &cache).result == .temperror)
    }
}
