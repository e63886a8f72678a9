// Tests of sessions that are made to wait by a step, against a running server.
// smtp-server(8), section Delays.
// SPDX-License-Identifier: MIT

import Foundation
import Glibc
import MailModel
import SMTPProtocol
import TestSupport
import Testing

@Suite struct DelayTests {
    private let folder: TestFolder

    init() throws { folder = try TestFolder() }

    /// A server whose step gives this verdict to mail from `slow@`, and accepts all other.
    private func server(
        _ verdict: Verdict, at stage: Stage = .mail, workers: String = "2-40",
        options: [String] = []
    ) throws -> TestServer {
        let slow = try folder.write("slow", FilterReply(verdict).fields.frame)
        let others = try folder.write("others", FilterReply(.accept).fields.frame)
        let script = try folder.write(
            "step.sh",
            """
            #!/bin/sh
            exec >&"$FILTER_VERDICT_FD"
            if tr '\\0' '\\n' <&3 | grep -q '^Fslow@'; then
                cat \(slow)
                exit \(verdict.word == "accept" ? 0 : 71)
            fi
            cat \(others)
            """, mode: 0o700)
        return try TestServer(
            steps: ["10-step": "run \(script)\nstage \(stage.rawValue)\nworkers 0\n"],
            options: options, workers: workers)
    }

    /// So long that no test sees its end.
    private static let long = Verdict.accept([.delay(.seconds(600))])
    private static let patient = ["--delay-limit", "10m"]

    private func greeted(_ server: TestServer) throws -> SMTPDialogue {
        let client = try server.connect()
        _ = try client.reply()
        try client.say("EHLO client.test")
        return client
    }

    /// A client that has said MAIL and waits for the reply.
    private func waiting(_ server: TestServer) throws -> SMTPDialogue {
        let client = try greeted(server)
        try client.send("MAIL FROM:<slow@b.test>\r\n")
        return client
    }

    @Test func `fifty clients that wait hold up nobody else`() throws {
        let server = try server(Self.long, workers: "2-100", options: Self.patient)
        let clients = try (0..<50).map { _ in try waiting(server) }
        #expect(eventually { server.log("delay").count == 50 })
        let other = try server.connect()
        _ = try other.begin()
        #expect(try other.say("x\r\n.")?.code == 250)
        #expect(try server.queued().count == 1)
        // All of them waited during all of that.
        #expect(try clients.allSatisfy { try !$0.hasReply() })
    }

    @Test func `what is accepted late is put off at once when too many wait`() throws {
        let server = try server(
            Self.long, options: Self.patient + ["--delayed-sessions", "1"])
        let first = try waiting(server)
        #expect(eventually { server.log("delay").count == 1 })
        let second = try greeted(server)
        #expect(
            try second.say("MAIL FROM:<slow@b.test>")?.description.hasPrefix("451 4.7.0") == true)
        #expect(try second.say("RCPT TO:<alice@example.test>")?.code == 503)
        #expect(try second.say("MAIL FROM:<a@b.test>")?.code == 250)
        #expect(server.log("not-delayed").count == 1)
        #expect(try !first.hasReply())
    }

    @Test func `a refusal comes at once when too many wait`() throws {
        let late = Reply(450, EnhancedStatus(4, 7, 1), "Later", delay: .seconds(600))
        let server = try server(
            .defer(late), options: Self.patient + ["--delayed-sessions", "0"])
        let client = try greeted(server)
        #expect(try client.say("MAIL FROM:<slow@b.test>")?.description == "450 4.7.1 Later")
    }

    @Test func `a place is free again when the client goes away, or the worker dies`() throws {
        let server = try server(
            Self.long, options: Self.patient + ["--delayed-sessions", "1"])
        do {
            let client = try waiting(server)
            #expect(eventually { server.log("delay").count == 1 })
            withExtendedLifetime(client) {}
        }
        #expect(eventually { server.log("disconnect").contains { $0.contains("client closed") } })
        let second = try waiting(server)
        #expect(eventually { server.log("delay").count == 2 })
        for worker in try server.workers() { kill(worker, SIGKILL) }
        #expect(try second.reply() == nil)
        let third = try waiting(server)
        #expect(eventually { server.log("delay").count == 3 })
        #expect(server.log("not-delayed").isEmpty)
        withExtendedLifetime(third) {}
    }

    @Test func `a message whose sender does not wait for the reply is not queued`() throws {
        let server = try server(Self.long, at: .message, options: Self.patient)
        do {
            let client = try server.connect()
            _ = try client.begin(from: "slow@b.test")
            try client.send("x\r\n.\r\n")
            #expect(eventually { server.log("delay").count == 1 })
            withExtendedLifetime(client) {}
        }
        #expect(eventually { server.log("disconnect").contains { $0.contains("client closed") } })
        #expect(try server.queued().isEmpty)
    }

    @Test(arguments: Stage.allCases)
    func `what is accepted is granted after the delay`(_ stage: Stage) throws {
        let verdict = Verdict.accept([.delay(.milliseconds(200))])
        let reply = try folder.write("reply", FilterReply(verdict).fields.frame)
        let script = try folder.write(
            "step.sh", "#!/bin/sh\ncat \(reply) >&\"$FILTER_VERDICT_FD\"\n", mode: 0o700)
        let server = try TestServer(
            steps: ["10-step": "run \(script)\nstage \(stage.rawValue)\nworkers 0\n"])
        let client = try server.connect()
        let begin = ContinuousClock.now
        #expect(try client.begin()?.code == 354)
        #expect(try client.say("x\r\n.")?.code == 250)
        #expect(begin.duration(to: .now) >= .milliseconds(200))
        #expect(server.log("delay").map { $0.contains("stage=\(stage.rawValue) ms=200") } == [true])
        #expect(try server.queued().count == 1)
    }

    @Test func `commands that came meanwhile are obeyed afterwards, in their order`() throws {
        let server = try server(.accept([.delay(.milliseconds(200))]))
        let client = try greeted(server)
        try client.send(
            "MAIL FROM:<slow@b.test>\r\nRCPT TO:<alice@example.test>\r\n"
                + "RCPT TO:<a@elsewhere.test>\r\nDATA\r\n")
        let codes = try (0..<4).map { _ in try client.reply()?.code }
        #expect(codes == [250, 250, 550, 354])
    }

    @Test func `a delay is cut to the limit, and an end of the server ends it`() throws {
        let short = try server(Self.long, options: ["--delay-limit", "100ms"])
        #expect(try greeted(short).say("MAIL FROM:<slow@b.test>")?.code == 250)
        let server = try server(Self.long, options: Self.patient)
        let client = try waiting(server)
        #expect(eventually { server.log("delay").count == 1 })
        #expect(try server.stop() == .exited(0))
        #expect(try client.reply() != nil)
    }

    @Test func `a session's time ends while it waits`() throws {
        let server = try server(
            Self.long, options: Self.patient + ["--session-timeout", "1s"])
        #expect(try waiting(server).reply()?.description.hasPrefix("421 4.4.2") == true)
    }

    @Test func `so many may not wait that nobody is left to serve others`() throws {
        try folder.write("etc/control/me", "mx.example.test\n")
        try folder.write("etc/filters.d/.keep", "")
        let options = [
            "--root", folder.path, "--listen", "127.0.0.1:0", "--workers", "1-4",
            "--delayed-sessions",
        ]
        let result = try Tool("smtp-server", options + ["4"]).run()
        #expect(result.code == 64)
        #expect(result.errors.contains("no more than 3 of 4 workers"), "\(result.errors)")
    }
}
