// Tests of a whole chain: order, edits, recipients, facts, and the handover.
// filters.d(5), filter-chain(8).
// SPDX-License-Identifier: MIT

import MailModel
import TestSupport
import Testing

struct ChainRunTests {
    private let root: ChainFolder

    init() throws { root = try ChainFolder() }

    private static let accept = ChainFolder.saying(.accept)
    private static let no = ChainFolder.saying(.reject(EnhancedStatus(5, 7, 1), "Not you"))

    /// A step that notes that it was asked, and accepts.
    private func witness(_ name: String, _ lines: String...) throws {
        let script = "echo \(name) >>\(root.folder.path)/asked; \(Self.accept)"
        try root.step(name, script: script, (["workers 0"] + lines).joined(separator: "\n"))
    }

    private var asked: [String] {
        (root.text("asked") ?? "").split(separator: "\n").map(String.init)
    }

    private func prepending(_ line: String) throws -> String {
        let field = try #require(HeaderField(line: Array("\(line)\n".utf8)))
        return ChainFolder.saying(.accept([.prepend(field)]))
    }

    @Test func `the first step that does not accept is the last that is asked`() throws {
        try witness("10-a")
        try root.step("20-b", script: "\(Self.no); exit 31", "workers 0")
        try witness("30-c")
        #expect(try root.byHand().code == 31)
        #expect(asked == ["10-a"])
    }

    @Test func `stages run in the order of a session, rcpt once for each recipient`() throws {
        for stage in Stage.allCases.reversed() {
            try witness("10-\(stage.rawValue)", "stage \(stage.rawValue)")
        }
        #expect(try root.queued(environment: ["TCPREMOTEIP": "192.0.2.1"]).code == 0)
        #expect(
            asked == [
                "10-connect", "10-helo", "10-mail", "10-rcpt", "10-rcpt", "10-data", "10-message",
            ])
    }

    @Test func `--stage runs the steps of one stage`() throws {
        try witness("10-a", "stage mail")
        try witness("20-b", "stage data")
        #expect(try root.byHand(["--stage", "data"]).code == 0)
        #expect(asked == ["20-b"])
        #expect(try root.byHand(["--stage", "dinner"]).code == 55)
    }

    @Test func `before its moment nothing of message and envelope is known`() throws {
        for stage in ["connect", "mail", "rcpt", "data"] {
            let script = "(cat; tr '\\0' , <&3; echo) >>\(root.folder.path)/seen; \(Self.accept)"
            try root.step("10-\(stage)", script: script, "workers 0", "stage \(stage)")
        }
        _ = try root.queued(environment: ["TCPREMOTEIP": "192.0.2.1"])
        #expect(
            root.text("seen") == """

                Fa@b.test,,
                Fa@b.test,Tc@d.test,,
                Fa@b.test,Te@f.test,,
                Fa@b.test,Tc@d.test,Te@f.test,,

                """)
    }

    @Test func `edits of all stages are made, and later steps see them`() throws {
        try root.step("10-a", script: try prepending("X-A: 1"), "workers 0", "stage mail")
        try root.step("20-b", script: try prepending("X-B: 2"), "workers 0")
        try root.step(
            "30-c", script: "grep -q '^X-A: 1$' && \(try prepending("X-C: seen"))", "workers 0")
        try root.drop("40-d", "sed s/world/moon/")
        try root.step("50-e", script: try prepending("X-E: 5"), "workers 0")
        let expected = "X-E: 5\nX-C: seen\nX-B: 2\nX-A: 1\nSubject: x\n\nhello moon\n"
        #expect(try root.byHand().text == expected)
        let handed = try root.queued()
        #expect(handed.message == expected)
        #expect(handed.envelope == ChainFolder.envelope)
    }

    @Test func `a removed field goes, one put there later stays`() throws {
        let remove = ChainFolder.saying(.accept([.remove(name: Array("subject".utf8))]))
        try root.step("10-a", script: remove, "workers 0")
        try root.step("20-b", script: try prepending("Subject: y"), "workers 0")
        #expect(try root.byHand().text == "Subject: y\n\nhello world\n")
    }

    @Test func `a chain that edits nothing passes every byte`() throws {
        try witness("10-a")
        let bytes = (0...255).map { UInt8($0) } + Array("\r\r\n\n.\n no line end".utf8)
        let message = Array(repeating: bytes, count: 10_000).flatMap(\.self)
        #expect(try root.byHand([], message).output == message)
        try root.drop("20-b", "cat")
        #expect(try root.byHand([], message).output == message)
    }

    @Test(arguments: [Tool.Input.file, .pipe])
    func `the next program gets message and envelope as they came`(input: Tool.Input) throws {
        try witness("10-a")
        let handed = try root.queued(input: input)
        #expect(
            handed
                == .init(code: 0, message: ChainFolder.message, envelope: ChainFolder.envelope))
    }

    @Test func `a refused recipient refuses the message by a text that names it`() throws {
        let script = "tr '\\0' '\\n' <&3 | grep -q Te@ && { \(Self.no); exit 31; }; \(Self.accept)"
        try root.step("10-a", script: script, "workers 0", "stage rcpt")
        let handed = try root.queued()
        #expect(handed == .init(code: 31, message: nil, envelope: nil))
        #expect(handed.errors.contains("550 5.7.1 e@f.test: Not you"), "\(handed.errors)")
    }

    @Test func `discard at rcpt drops the recipient, of the last one the message`() throws {
        let discard = "{ \(ChainFolder.saying(.discard)); exit 99; }"
        let script = "tr '\\0' '\\n' <&3 | grep -q Te@ && \(discard); \(Self.accept)"
        try root.step("10-a", script: script, "workers 0", "stage rcpt")
        try witness("20-b")
        #expect(try root.queued().envelope == "Fa@b.test\0Tc@d.test\0\0")
        #expect(asked == ["20-b"])
        let dropped = try root.queued(ChainFolder.message, "F\0Te@f.test\0\0")
        #expect(dropped.code == 0)
        #expect(asked == ["20-b"])
    }

    @Test func `a discarded message is accepted and goes nowhere`() throws {
        try root.drop("10-a", "exit 99")
        #expect(try root.queued() == .init(code: 0, message: nil, envelope: nil))
    }

    @Test func `without a client, steps of clients do not run`() throws {
        try witness("10-connect", "stage connect")
        try witness("20-local", "skip local")
        try witness("30-all", "skip relayed")
        #expect(try root.queued().code == 0)
        #expect(asked == ["30-all"])
    }

    @Test func `clients that may relay skip what says so`() throws {
        try witness("10-relayed", "skip relayed")
        try witness("20-local", "skip local")
        let facts = ["TCPREMOTEIP": "192.0.2.1", "RELAYCLIENT": ""]
        #expect(try root.queued(environment: facts).code == 0)
        #expect(asked == ["20-local"])
    }

    /// The topmost field, and the HELO name that follows with the client 192.0.2.1.
    private static let traces: [(String, String)] = [
        ("Received: from name (HELO greeting) (192.0.2.1)\n  by us", "greeting"),
        ("Received: from name (info@192.0.2.1)\n  by us", "name"),
        ("Received: from name (HELO forged) (198.51.100.7)\n  by us", "none"),
        ("Subject: x\nReceived: nonsense", "none"), ("Subject: x", "none"),
    ]

    @Test(arguments: traces)
    func `the HELO name is of the topmost field when its address is the client's`(
        _ header: String, _ helo: String
    ) throws {
        let script = "echo \"${SMTPHELOHOST-none}\" >\(root.folder.path)/seen; \(Self.accept)"
        try root.step("10-a", script: script, "workers 0")
        let message = "\(header)\n\nbody\n"
        _ = try root.queued(message, environment: ["TCPREMOTEIP": "::ffff:192.0.2.1"])
        #expect(root.text("seen") == "\(helo)\n")
        _ = try root.queued(
            message, environment: ["TCPREMOTEIP": "192.0.2.1", "SMTPHELOHOST": "given"])
        #expect(root.text("seen") == "given\n")
    }

    @Test func `--check hands nothing on and lets steps charge nothing`() throws {
        try root.step("10-a", script: "test \"$1\" = --check && \(Self.accept)", "workers 0")
        let result = try root.byHand(["--check"])
        #expect(result.code == 0)
        #expect(result.output.isEmpty)
        #expect(try root.byHand().code == 71)
    }

    @Test func `--explain tells what each step said`() throws {
        try witness("10-a")
        try root.step("20-b", script: "\(Self.no); exit 31", "workers 0")
        let result = try root.byHand(["--explain"])
        let expected = """
            {"filter":"filter-chain","verdict":"reject","code":550,"status":"5.7.1",\
            "text":"Not you","steps":[{"step":"10-a","stage":"message","verdict":"accept"},\
            {"step":"20-b","stage":"message","verdict":"reject","code":550,"status":"5.7.1",\
            "text":"Not you"}]}
            """
        #expect(result.errors.split(separator: "\n").contains(Substring(expected)))
    }

    @Test func `forged fields are gone at every stage, and those of our steps stay`() throws {
        try root.folder.write("etc/control/me", "mx.test\n")
        let ours = try prepending("Authentication-Results: mx.test; spf=fail")
        try root.step("10-spf", script: ours, "stage mail\nworkers 0")
        let header =
            "X-Chainmail-A b: x\nX-Chainmail-A: x\n"
            + "Authentication-Results: mx.test; spf=pass\nSubject: x\n"
        let run = try root.byHand([], Array("\(header)\nHello.\n".utf8))
        #expect(run.code == 0)
        #expect(
            run.text == "Authentication-Results: mx.test; spf=fail\nX-Chainmail-A b: x\n"
                + "Subject: x\n\nHello.\n")
    }

    @Test func `more forged names than can be taken out are refused`() throws {
        let header = (0...100).map { "X-Chainmail-\($0): x\n" }.joined()
        #expect(try root.byHand([], Array("\(header)\nHello.\n".utf8)).code == 31)
    }
}
