// ThrottleServiceTests: tests throttle as a pool of workers.
// SPDX-License-Identifier: MIT

import Glibc
import MailModel
import TestSupport
import Testing
import UnixIO
import Workers

/// A pool with a limits file.
private struct Pool {
    let folder: TestFolder
    let service: Service

    init(_ limits: String, workers: String = "1-1", _ more: [String] = []) throws {
        folder = try TestFolder()
        let file = try folder.write("limits", limits)
        service = try Service(
            Tool(
                "throttle",
                [
                    "--limits", file, "--store", folder.file("store"), "--serve",
                    folder.file("socket"), "--workers", workers,
                ] + more), log: folder.file("log"))
    }

    func ask(
        _ stage: Stage, outcome: Outcome? = nil, note: String? = nil, isTrial: Bool = false,
        user: String? = nil, client: String = "192.0.2.1"
    ) throws -> Verdict {
        var facts = Facts()
        facts[.authUser] = user.map { Array($0.utf8) }
        facts[.clientIP] = Array(client.utf8)
        let envelope = Envelope(
            reversePath: .null, recipients: [try Mailbox(Array("a@example.test".utf8))])
        let request = FilterRequest(
            stage: stage, facts: facts, envelope: stage < .mail ? nil : envelope,
            edits: note.map { [.note(name: $0, value: [0x31])] } ?? [], isTrial: isTrial,
            outcome: outcome)
        let answer = try Exchange.call(
            folder.file("socket"), request.fields, deadline: .after(.seconds(60)))
        return try FilterReply(answer.fields).verdict
    }
}

@Suite struct ThrottleServiceTests {
    @Test func `a recipient that was refused is a failure, and too many of them refuse`() throws {
        let pool = try Pool("client failures 2/31d reject\nclient messages 9/31d defer\n")
        for _ in 0..<2 {
            #expect(try pool.ask(.rcpt) == .accept)
            #expect(try pool.ask(.rcpt, outcome: .refused) == .accept)
        }
        for stage in Stage.allCases where stage != .message {
            #expect(try pool.ask(stage).word == "reject")
        }
    }

    @Test func `a login that was refused is a failure of the client and of the login`() throws {
        let pool = try Pool("client failures 2/31d reject\nuser failures 3/31d defer\n")
        for client in ["192.0.2.1", "192.0.2.1", "192.0.2.2"] {
            #expect(
                try pool.ask(.helo, outcome: .refusedLogin, user: "anna", client: client)
                    == .accept)
        }
        #expect(try pool.ask(.connect).word == "reject")
        #expect(try pool.ask(.connect, client: "192.0.2.2") == .accept)
        #expect(try pool.ask(.mail, user: "anna", client: "192.0.2.3").word == "defer")
        #expect(try pool.ask(.mail, user: "otto", client: "192.0.2.3") == .accept)
    }

    @Test func `in a trial nothing is learned`() throws {
        let pool = try Pool("client failures 1/31d reject\n")
        #expect(try pool.ask(.rcpt, outcome: .refused, isTrial: true) == .accept)
        #expect(try pool.ask(.rcpt) == .accept)
        #expect(try pool.ask(.rcpt, outcome: .refused) == .accept)
        #expect(try pool.ask(.rcpt).word == "reject")
    }

    @Test func `a delay is part of the verdict`() throws {
        let pool = try Pool("client messages 1/31d delay 7s\n")
        #expect(try pool.ask(.mail) == .accept)
        #expect(try pool.ask(.mail) == .accept([.delay(.seconds(7))]))
    }

    @Test func `SpamThrottle waits at data, and at message only where it did not`() throws {
        let folder = try TestFolder()
        let table = try folder.write("spamt", "::100000:100000:3000::::\n.\n")
        let pool = try Pool("client recipients 1/31d log\n", ["--spamt", table])
        let note = Edit.note(name: "spamthrottle", value: Array("waited".utf8))
        #expect(try pool.ask(.data) == .accept([note]))
        let second = try pool.ask(.data).delay
        #expect(second > .seconds(60) && second <= .seconds(100))
        #expect(try pool.ask(.rcpt) == .accept)
    }

    @Test func `limits that do not load leave the old ones, and those that do take their place`()
        throws
    {
        let pool = try Pool("client messages 1/31d reject old\n")
        #expect(try pool.ask(.mail) == .accept)
        try pool.folder.write("limits", "client messages 1/31d reject new\nclient mesages\n")
        pool.service.process.signal(SIGHUP)
        #expect(eventually { pool.service.log.contains("limits:2: not KEY UNIT RATE") })
        #expect(try pool.ask(.mail).reply?.text == "old")
        try pool.folder.write("limits", "client messages 1/31d reject new\n")
        pool.service.process.signal(SIGHUP)
        #expect(try eventually { try pool.ask(.mail).reply?.text == "new" })
    }

    @Test func `workers together admit exactly the limit`() async throws {
        let pool = try Pool("client messages 50/31d reject\n", workers: "4-4")
        let accepted = try await withThrowingTaskGroup(of: Int.self) { group in
            for _ in 0..<4 {
                group.addTask {
                    try (0..<30).reduce(0) { sum, _ in
                        sum + (try pool.ask(.mail) == .accept ? 1 : 0)
                    }
                }
            }
            return try await group.reduce(0, +)
        }
        #expect(accepted == 50)
    }
}
