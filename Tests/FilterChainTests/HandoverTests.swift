// Tests of what comes to filter-chain broken, and of where messages go from it.
// filter-chain(8), qmail-queue(8).
// SPDX-License-Identifier: MIT

import MailModel
import TestSupport
import Testing

struct HandoverTests {
    private let root: ChainFolder

    init() throws { root = try ChainFolder() }

    private static let hold = ChainFolder.saying(.accept([.hold]))

    private static let envelopes: [(String, Int32)] = [
        ("", 54), ("Fa@b.test\0", 54), ("Fa@b.test\0Tc@d.test\0", 54), ("Tc@d.test\0\0", 91),
        ("Fa@b.test\0Xc@d.test\0\0", 91),
        ("Fa@b.test\0T\(String(repeating: "x", count: 1003))\0\0", 11),
    ]

    @Test(arguments: envelopes)
    func `an envelope that is cut short, malformed or too long queues nothing`(
        _ envelope: String, _ code: Int32
    ) throws {
        for input in [Tool.Input.file, .pipe] {
            let handed = try root.queued(ChainFolder.message, envelope, input: input)
            #expect(handed == .init(code: code, message: nil, envelope: nil))
        }
    }

    @Test func `a null reverse-path, no recipient and an empty message are fine`() throws {
        #expect(try root.queued("", "F\0\0") == .init(code: 0, message: "", envelope: "F\0\0"))
        let verp = "Flist-@b.test-@[]\0Tc@d.test\0\0"
        #expect(try root.queued("x", verp).envelope == verp)
    }

    @Test func `an empty message by hand is one that a filter before refused`() throws {
        #expect(try root.byHand([], []).code == 54)
    }

    @Test func `descriptor 1 for output is no envelope`() throws {
        let result = try Tool("filter-chain", ["--root", root.folder.path]).run()
        #expect([54, 55].contains(result.code))
        #expect(result.output.isEmpty)
    }

    @Test func `the longest delay is waited for once, before the message goes on`() throws {
        let verdict = ChainFolder.saying(.accept([.delay(.milliseconds(700))]))
        let shorter = ChainFolder.saying(.accept([.delay(.milliseconds(200))]))
        try root.step("10-a", script: verdict, "stage rcpt", "workers 0")
        try root.step("20-b", script: shorter, "workers 0")
        let begin = ContinuousClock.now
        let handed = try root.queued()
        #expect(begin.duration(to: .now) >= .milliseconds(700))
        #expect(handed.code == 0)
        #expect(handed.message == ChainFolder.message)
        #expect(handed.errors.contains("delay=700ms"), "\(handed.errors)")
    }

    @Test func `by hand nobody waits, and a limit cuts what is waited`() throws {
        let verdict = ChainFolder.saying(.accept([.delay(.seconds(600))]))
        try root.step("10-a", script: verdict, "workers 0")
        let result = try root.byHand(["--explain"])
        #expect(result.code == 0)
        #expect(result.errors.contains(#""verdict":"accept","delay":600000"#), "\(result.errors)")
        #expect(try root.queued(arguments: ["--delay-limit", "10ms"]).code == 0)
    }

    @Test func `nothing is queued when the caller goes away during the delay`() throws {
        let verdict = ChainFolder.saying(.accept([.delay(.seconds(600))]))
        try root.step("10-a", script: verdict, "workers 0")
        let next = try root.folder.write("next", "#!/bin/sh\ntouch queued\n", mode: 0o700)
        let envelope = try root.folder.write("envelope", Array(ChainFolder.envelope.utf8))
        let log = try root.folder.write("log", "")
        // The shell that calls the chain ends once the chain waits.
        let script = """
            "$0" --root "$1" --delay-limit 10m <"$2" 1<"$2" 2>"$3" &
            until grep -q event=verdict "$3"; do sleep 0.05; done
            """
        var tool = try Tool(
            "/bin/sh",
            ["-c", script, try Tool("filter-chain", []).path, root.folder.path, envelope, log])
        tool.environment = ["CHAINMAIL_NEXT": next]
        #expect(try tool.run().code == 0)
        #expect(eventually { root.text("log")?.contains("the caller went away") == true })
        #expect(root.text("queued") == nil)
    }

    @Test func `a next program that is not there is told`() throws {
        let handed = try root.queued(environment: ["CHAINMAIL_NEXT": "/no/such/program"])
        #expect(handed.code == 55)
        #expect(handed.errors.contains("/no/such/program"))
    }

    @Test func `the next program's exit is the answer, and QMAILQUEUE is never run`() throws {
        let bad = try root.folder.write("bad", "#!/bin/sh\nexit 81\n", mode: 0o700)
        let next = try root.folder.write(
            "other", "#!/bin/sh\ncat >/dev/null; exit ${CHAINMAIL_NEXT+71} 53\n", mode: 0o700)
        let handed = try root.queued(
            environment: ["QMAILQUEUE": bad, "CHAINMAIL_NEXT": next])
        #expect(handed.code == 53)
    }

    @Test func `hold is defer where the next program is another queue`() throws {
        try root.step("10-a", script: Self.hold, "workers 0")
        #expect(try root.queued() == .init(code: 71, message: nil, envelope: nil))
    }

    private var queued: [String] {
        root.folder.names(in: "spool/queue/new").flatMap { shard in
            root.folder.names(in: "spool/queue/new/\(shard)").map { "\(shard)/\($0)" }
        }
    }

    private func queueing() throws -> ToolResult {
        var tool = try Tool("filter-chain", ["--root", root.folder.path])
        tool.message = Array(ChainFolder.message.utf8)
        tool.envelope = Array(ChainFolder.envelope.utf8)
        tool.input = .pipe
        return try tool.run()
    }

    @Test func `without a next program the message is queued, edits and all`() throws {
        let field = try #require(HeaderField("X-Seen", "yes"))
        try root.step("10-a", script: ChainFolder.saying(.accept([.prepend(field)])), "workers 0")
        try root.folder.write("spool/.keep", "")
        try root.folder.write("run/.keep", "")
        // The spool itself, where no service is; then the service.
        #expect(try queueing().code == 0)
        #expect(queued.count == 1)
        let service = try Service(
            Tool("queue-message", ["--serve", "--root", root.folder.path, "--workers", "1-2"]),
            log: root.folder.file("log"))
        let result = try queueing()
        #expect(result.code == 0, "\(result.errors)")
        #expect(queued.count == 2)
        for file in queued {
            let text = try #require(root.text("spool/queue/new/\(file)"))
            #expect(text.contains("hello world"))
            #expect(text.contains("X-Seen: yes"))
        }
        // The id of the log is that of the file.
        let id = try #require(result.errors.split(separator: "message=").last).prefix { $0 != "\n" }
        #expect(queued.contains { $0.hasSuffix("/\(id)") })
        try service.stop(9)
        // Its socket is still there; the spool is ours.
        #expect(try queueing().code == 0)
        #expect(queued.count == 3)
    }

    @Test func `a queue that is full or gone is not an accepted message`() throws {
        try root.folder.write("run/queue-message", "no socket")
        #expect(try ![0, 31].contains(queueing().code))
    }
}
