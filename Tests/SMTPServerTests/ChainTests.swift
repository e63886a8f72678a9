// Tests of what steps of the chain do to a session with a running server.
// SPDX-License-Identifier: MIT

import Foundation
import MailModel
import SMTPProtocol
import TestSupport
import Testing

/// A step that always says the same, as a script in the chain convention.
private struct FixedStep {
    let name: String
    let stage: Stage
    let verdict: Verdict
    /// Shell commands that come before the verdict.
    var commands = ""

    /// Writes script, reply and description; returns the name and text of the description.
    func write(in folder: TestFolder) throws -> (String, String) {
        let exits = ["accept": 0, "reject": 31, "defer": 71, "discard": 99]
        let frame = try folder.write("\(name).reply", FilterReply(verdict).fields.frame)
        let script = try folder.write(
            "\(name).sh",
            """
            #!/bin/sh
            \(commands)
            cat \(frame) >&"$FILTER_VERDICT_FD"
            exit \(exits[verdict.word] ?? 81)
            """, mode: 0o700)
        return (name, "run \(script)\nstage \(stage.rawValue)\nworkers 0\n")
    }
}

@Suite struct ChainTests {
    private let folder: TestFolder

    init() throws { folder = try TestFolder() }

    private func server(_ steps: [FixedStep], options: [String] = []) throws -> TestServer {
        let pairs = try steps.map { try $0.write(in: folder) }
        return try TestServer(
            steps: Dictionary(uniqueKeysWithValues: pairs), options: options)
    }

    private static let no = Verdict.reject(EnhancedStatus(5, 7, 1), "Not you")

    /// The stage that refuses, and the replies from the greeting to the end of the message.
    private static let refusals: [(Stage, [String])] = [
        (.connect, ["554 mx.example.test Not you"]),
        (.helo, ["220", "550 Not you"]),
        (.mail, ["220", "250", "550 5.7.1 Not you"]),
        (.rcpt, ["220", "250", "250", "550 5.7.1 Not you", "554 5.5.1"]),
        (.data, ["220", "250", "250", "250", "550 5.7.1 Not you"]),
        (.message, ["220", "250", "250", "250", "354", "550 5.7.1 Not you"]),
    ]

    @Test(arguments: refusals)
    func `a step refuses at its stage`(_ stage: Stage, _ expected: [String]) throws {
        let server = try server([FixedStep(name: "10-no", stage: stage, verdict: ChainTests.no)])
        let client = try server.connect()
        let lines = [
            "EHLO c", "MAIL FROM:<a@b.test>", "RCPT TO:<alice@example.test>", "DATA", "x\r\n.",
        ]
        var replies = [try client.reply()]
        for line in lines.prefix(expected.count - 1) { replies.append(try client.say(line)) }
        for (reply, prefix) in zip(replies, expected) {
            let line = String(decoding: reply?.bytes ?? [], as: UTF8.self)
            #expect(line.hasPrefix(prefix), "\(line)")
        }
        #expect(try server.queued().isEmpty)
    }

    @Test func `edits of every stage are in the queue, the trace field below them`() throws {
        let steps = try Stage.allCases.enumerated().map { index, stage in
            let field = try #require(HeaderField("X-\(stage.rawValue)", "was here"))
            return FixedStep(
                name: "\(10 + index)-\(stage.rawValue)", stage: stage,
                verdict: .accept([.prepend(field)]))
        }
        let server = try server(steps)
        let client = try server.connect()
        _ = try client.begin()
        #expect(try client.say("x\r\n.")?.code == 250)
        let file = String(decoding: try server.queued().first ?? [], as: UTF8.self)
        let positions = (["Received: from"] + Stage.allCases.map { "X-\($0.rawValue): was here" })
            .map { file.range(of: $0)?.lowerBound }
        #expect(positions.allSatisfy { $0 != nil })
        let found = positions.compactMap(\.self)
        #expect(found == found.sorted())
    }

    @Test func `a step of stage message reads the message, small or big`() throws {
        let seen = folder.file("seen")
        let server = try server([
            FixedStep(
                name: "10-look", stage: .message, verdict: .accept, commands: "cat > \(seen)")
        ])
        let client = try server.connect()
        for size in [10, 400_000] {
            if size == 10 {
                _ = try client.begin()
            } else {
                try client.say("MAIL FROM:<a@b.test>")
                try client.say("RCPT TO:<alice@example.test>")
                try client.say("DATA")
            }
            let line = String(repeating: "x", count: size)
            #expect(try client.say("\(line)\r\n.")?.code == 250)
            let text = String(decoding: try folder.read("seen"), as: UTF8.self)
            #expect(text.hasPrefix("Received: from client.test"))
            #expect(text.hasSuffix("\n\(line)\n"))
        }
        #expect(try server.queued().count == 2)
    }

    @Test func `a discarded message is accepted and gone`() throws {
        let server = try server([
            FixedStep(name: "10-drop", stage: .message, verdict: .discard)
        ])
        let client = try server.connect()
        _ = try client.begin()
        #expect(try client.say("x\r\n.")?.code == 250)
        #expect(try server.queued().isEmpty)
    }

    @Test func `a step that crashes puts the message off`() throws {
        let server = try server([
            FixedStep(
                name: "10-crash", stage: .message, verdict: .accept, commands: "kill -9 $$")
        ])
        let client = try server.connect()
        _ = try client.begin()
        #expect(try client.say("x\r\n.")?.code == 451)
        #expect(try server.queued().isEmpty)
        #expect(try client.say("NOOP")?.code == 250)
    }

    @Test func `one refused recipient does not refuse the others`() throws {
        let server = try TestServer(steps: [
            "10-some": """
            run \(try folder.write("some.sh", ChainTests.refusesBob, mode: 0o700))
            stage rcpt
            workers 0
            """
        ])
        let client = try server.connect()
        _ = try client.reply()
        try client.say("EHLO c")
        try client.say("MAIL FROM:<a@b.test>")
        #expect(try client.say("RCPT TO:<alice@example.test>")?.code == 250)
        #expect(try client.say("RCPT TO:<bob@example.test>")?.code == 550)
        try client.say("DATA")
        #expect(try client.say("x\r\n.")?.code == 250)
        let file = String(decoding: try server.queued().first ?? [], as: UTF8.self)
        #expect(file.contains("alice@example.test"))
        #expect(!file.contains("bob@example.test"))
    }

    private static let refusesBob: String = {
        func frame(_ verdict: Verdict) -> String {
            String(decoding: FilterReply(verdict).fields.frame, as: UTF8.self)
        }
        return """
            #!/bin/sh
            if tr '\\0' '\\n' <&3 | grep -q '^Tbob@'; then
                printf '%s' '\(frame(no))' >&"$FILTER_VERDICT_FD"
                exit 31
            fi
            printf '%s' '\(frame(.accept))' >&"$FILTER_VERDICT_FD"
            """
    }()

    private static let broken: [(String, String)] = [
        ("run no-such-program\n", "10-bad"),
        ("run cat\nstage dinner\n", "10-bad:2"),
        ("flavour sweet\n", "10-bad:1"),
    ]

    @Test(arguments: broken)
    func `an error in filters.d keeps the server from beginning`(
        _ text: String, _ place: String
    ) throws {
        try folder.write("etc/control/me", "mx.example.test\n")
        try folder.write("etc/filters.d/10-bad", text)
        let result = try Tool(
            "smtp-server", ["--root", folder.path, "--listen", "127.0.0.1:0"]
        ).run()
        #expect(result.code == 78)
        #expect(result.errors.contains(place), "\(result.errors)")
    }

    @Test func `a missing filters.d keeps the server from beginning`() throws {
        try folder.write("etc/control/me", "mx.example.test\n")
        let result = try Tool(
            "smtp-server", ["--root", folder.path, "--listen", "127.0.0.1:0"]
        ).run()
        #expect(result.code == 78)
        #expect(result.errors.contains("filters.d"))
    }
}
