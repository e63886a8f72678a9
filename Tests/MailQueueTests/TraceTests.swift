import MailModel
import TestSupport
import Testing

@testable import MailQueue

/// `chainmail trace`, as the administrator runs it.
@Suite struct TraceTests {
    private let folder: TestFolder
    private let session: SessionID
    private let (message, other): (String, String)
    private let report: String

    init() throws {
        folder = try TestFolder()
        session = SessionID(microseconds: 1_700_000_000_000_000, random: 7)
        let id = session.message(1)
        message = "\(id)"
        other = "\(session.message(2))"
        report = "\(DSN.id(for: id, .failure, number: 0))"
    }

    /// A session with two messages; the first fails, and its report is delivered.
    private var lines: [String] {
        [
            "@4000000065536400 smtp-server: event=connect session=\(session) client=192.0.2.1",
            "2026-11-27 00:00:00.1 smtp-server: event=connect session=\(String(repeating: "1", count: 21))",
            "smtp-server: event=message session=\(session) message=\(message) size=9 code=250",
            "Nov 27 00:00:01 mx c[7]: queue-message: event=queued message=\(message) session=\(session) "
                + "message-id=<one@b.test>",
            "smtp-server: event=message session=\(session) message=\(other) size=9 code=250",
            "queue-manager: event=delivered message=\(other) to=<bob@local.test>",
            "no event of ours",
            "queue-manager: event=failed message=\(message) to=<eve@remote.test> "
                + "reply=\"550 5.1.1 \\\"eve\\\" is unknown\"",
            "queue-manager: event=bounce message=\(message) report=\(report) to=<alice@local.test>",
            "smtp-server: event=disconnect session=\(session) reason=quit",
            "queue-manager: event=delivered message=\(report) to=<alice@local.test>",
        ]
    }

    private func run(_ arguments: [String], _ lines: [String]? = nil) throws -> ToolResult {
        var tool = try Tool("chainmail", ["trace"] + arguments)
        tool.message = Array(((lines ?? self.lines).joined(separator: "\n") + "\n").utf8)
        return try tool.run()
    }

    private func lines(_ numbers: [Int]) -> String {
        numbers.map { lines[$0] + "\n" }.joined()
    }

    @Test func `a message brings its session and its report, and no other message`() throws {
        #expect(try run([message]).text == lines([0, 2, 3, 7, 8, 9, 10]))
    }

    @Test func `a report leads back to what it is about`() throws {
        #expect(try run([report]).text == lines([0, 2, 3, 7, 8, 9, 10]))
    }

    @Test func `a session brings all its messages`() throws {
        #expect(try run(["\(session)"]).text == lines([0, 2, 3, 4, 5, 7, 8, 9, 10]))
    }

    @Test func `a mailbox brings what was for it, from files too`() throws {
        try folder.write("log", lines.joined(separator: "\n"))
        let result = try run(["bob@local.test", folder.file("log")], [])
        #expect(result.text == lines([0, 4, 5, 9]))
    }

    @Test(arguments: ["<one@b.test>", "one@b.test"])
    func `a Message-ID brings what came with it`(_ id: String) throws {
        #expect(try run([id]).text == lines([0, 2, 3, 7, 8, 9, 10]))
    }

    @Test func `an event is an object, with its values as they were`() throws {
        let result = try run([message, "--json"])
        #expect(
            result.text.contains(
                "{\"stamp\":\"\",\"program\":\"queue-manager\",\"event\":\"failed\","
                    + "\"message\":\"\(message)\",\"to\":\"<eve@remote.test>\","
                    + "\"reply\":\"550 5.1.1 \\\"eve\\\" is unknown\"}\n"))
        #expect(
            result.text.contains("{\"stamp\":\"@4000000065536400\",\"program\":\"smtp-server\","))
    }

    @Test func `what the logs do not know is said, and a long line does no harm`() throws {
        let long =
            "smtp-server: event=x session=\(session) a=" + String(repeating: "=", count: 99_999)
        let result = try run(["nobody@remote.test"], lines + [long, "x: event=", "\"=\"\\x"])
        #expect(result.code == 66)
        #expect(result.text.isEmpty)
        #expect(result.errors == "chainmail: the logs know nothing of nobody@remote.test\n")
    }
}
