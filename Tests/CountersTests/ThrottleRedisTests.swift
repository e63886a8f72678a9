// ThrottleRedisTests: tests throttle with a real redis-server, as it is run.
// SPDX-License-Identifier: MIT

import Glibc
import MailModel
import TestSupport
import Testing
import UnixIO
import Workers

/// A server, and throttles that use it.
private struct Fixture {
    let folder: TestFolder
    let server: RedisServer

    init(onPort: Bool = false) throws {
        folder = try TestFolder()
        server = try RedisServer(in: folder, onPort: onPort)
    }

    func run(_ arguments: [String], store: String? = nil) throws -> ToolResult {
        // A machine that is busy is not a server that is lost.
        var tool = try Tool(
            "throttle",
            ["--store", store ?? server.address, "--root", folder.file("root")] + arguments)
        if !arguments.contains("--store-timeout") { tool.arguments += ["--store-timeout", "10s"] }
        tool.message = Array("Subject: x\n\nhello\n".utf8)
        return try tool.run()
    }
}

@Suite struct ThrottleRedisTests {
    private static let client = ["--client-ip", "192.0.2.1"]
    private let limits = ["--limit", "client messages 2/31d reject"]

    @Test func `it limits, shows and resets as with a folder`() throws {
        let fixture = try Fixture()
        let codes = try (0..<3).map { _ in try fixture.run(limits + Self.client).code }
        #expect(codes == [0, 0, 31])
        let shown = "192.0.2.1\tclient messages 2/2678400s/2\t2 of 2\t31d\n"
        #expect(try fixture.run(["--show"]).text == shown)
        #expect(try fixture.run(["--reset", "192.0.2.1"]).text == "1 forgotten\n")
        #expect(try fixture.run(["--show"]).text == "")
        #expect(try fixture.run(limits + Self.client).code == 0)
    }

    @Test func `the state of SpamThrottle is shared, too`() throws {
        let fixture = try Fixture()
        let table = try fixture.folder.write("spamt", ":all:100000:200000:::::\n.\n")
        let lines = try (1...4).map { number in
            try fixture.run(
                ["--spamt", table, "--explain", "--client-ip", "192.0.2.\(number)"]).errors
        }
        // Each is told within ten seconds of the one before.
        let waits = lines.map { $0.firstMatch(of: /"wait":([0-9]+)/).flatMap { Int($0.1) } }
        let tens = waits.map { $0.map { ($0 + 9_999) / 10_000 } }
        #expect(tens == [0, 10, 20, 20])
    }

    @Test(arguments: [("defer", 56), ("accept", 0), ("local", 0)])
    func `when the server is killed the option decides, and it comes back`(
        action: String, code: Int32
    ) throws {
        let fixture = try Fixture()
        let options = limits + Self.client + ["--store-lost", action]
        #expect(try fixture.run(options).code == 0)
        try fixture.server.kill()
        let codes = try (0..<3).map { _ in try fixture.run(options).code }
        // Counting alone means to count from nothing.
        #expect(codes == (action == "local" ? [0, 0, 31] : [code, code, code]))
        let isLocal = fixture.folder.names(in: "root/run/throttle").contains("counters.mdb")
        #expect(isLocal == (action == "local"))
        try fixture.server.start()
        #expect(try (0..<3).map { _ in try fixture.run(options).code } == [0, 0, 31])
    }

    @Test func `a resident worker goes on without a server that hangs, and comes back to it`()
        throws
    {
        let fixture = try Fixture()
        let socket = fixture.folder.file("socket")
        let service = try Service(
            Tool(
                "throttle",
                limits + [
                    "--store", fixture.server.address, "--store-lost", "local",
                    "--root", fixture.folder.file("root"), "--serve", socket, "--workers", "1-1",
                    "--store-timeout", "80ms",
                ]), log: fixture.folder.file("log"))
        var facts = Facts()
        facts[.clientIP] = Array("192.0.2.1".utf8)
        let envelope = Envelope(reversePath: .null)
        let request = FilterRequest(stage: .mail, facts: facts, envelope: envelope)
        func ask() throws -> Verdict {
            let answer = try Exchange.call(
                socket, request.fields, deadline: .after(.seconds(30)))
            return try FilterReply(answer.fields).verdict
        }
        #expect(try ask() == .accept)
        #expect(try ask() == .accept)
        fixture.server.signal(SIGSTOP)
        #expect(try ask() == .accept)
        #expect(eventually { service.log.contains("event=store-lost") })
        fixture.server.signal(SIGCONT)
        let isBack = try eventually {
            let reply = try ask().reply
            return reply != nil && service.log.contains("event=store-back")
        }
        #expect(isBack)
    }

    @Test func `the name of a host is asked of the resolver`() throws {
        let fixture = try Fixture(onPort: true)
        let zone = try Service.zone("redis.test. 60 IN A 127.0.0.1", in: fixture.folder)
        let store = "redis://redis.test:\(fixture.server.port)"
        let options = limits + Self.client + ["--resolver", zone.ready]
        #expect(try fixture.run(options, store: store).code == 0)
        let other = "redis://nowhere.test:\(fixture.server.port)"
        #expect(try fixture.run(options, store: other).code == 56)
    }
}
