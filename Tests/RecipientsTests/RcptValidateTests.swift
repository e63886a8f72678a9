import MailModel
import TestSupport
import Testing

@Suite struct RcptValidateTests {
    private let folder: TestFolder
    private let source: String

    init() throws {
        folder = try TestFolder()
        source = "file:" + (try folder.write("mailboxes", "alice@example.test\n@all.test /all\n"))
    }

    private func run(
        _ arguments: [String], to recipients: [String], environment: [String: String] = [:]
    ) throws -> ToolResult {
        var tool = try Tool("rcpt-validate", arguments + ["--sender", "s@pass.test"])
        for recipient in recipients { tool.arguments += ["--recipient", recipient] }
        tool.environment = environment
        tool.message = Array("Subject: x\n\nx\n".utf8)
        return try tool.run()
    }

    @Test func `mailboxes that exist are accepted and the message passes as it is`() throws {
        let result = try run(["--source", source], to: ["Alice@Example.test", "any@all.test"])
        #expect(result.code == 0, "\(result.errors)")
        #expect(result.text == "Subject: x\n\nx\n")
    }

    @Test func `one mailbox that does not exist is enough to reject`() throws {
        let result = try run(["--source", source], to: ["alice@example.test", "bob@example.test"])
        #expect(result.code == 31)
        #expect(result.output.isEmpty)
        #expect(result.errors.contains("550 5.1.1 no mailbox here by that name: bob@example.test"))
    }

    @Test(
        arguments: [
            ("accept", nil, 0), ("reject", nil, 31), ("relay", nil, 0), ("relay", "192.0.2.1", 31),
        ] as [(String, String?, Int32)])
    func `an unknown domain is treated as told`(what: String, client: String?, code: Int32) throws {
        let environment = client.map { ["TCPREMOTEIP": $0] } ?? [:]
        let result = try run(
            ["--source", source, "--unknown-domain", what], to: ["x@elsewhere.test"],
            environment: environment)
        #expect(result.code == code, "\(result.errors)")
    }

    @Test func `a client that may relay may send to any domain but not to any mailbox`() throws {
        let environment = ["TCPREMOTEIP": "192.0.2.1", "RELAYCLIENT": ""]
        let arguments = ["--source", source, "--unknown-domain", "relay"]
        let relayed = try run(arguments, to: ["x@elsewhere.test"], environment: environment)
        #expect(relayed.code == 0, "\(relayed.errors)")
        let unknown = try run(arguments, to: ["bob@example.test"], environment: environment)
        #expect(unknown.code == 31, "\(unknown.errors)")
    }

    @Test func `without a source it is the root's mailboxes`() throws {
        let environment = ["CHAINMAIL_ROOT": folder.path]
        let missing = try run([], to: ["bob@example.test"], environment: environment)
        #expect(missing.code == 55)
        #expect(missing.errors.contains("etc/control/mailboxes"))
        try folder.write("etc/control/mailboxes", "bob@example.test\n")
        #expect(try run([], to: ["bob@example.test"], environment: environment).code == 0)
    }

    @Test func `a broken source is named with file and line`() throws {
        let path = try folder.write("broken", "alice@example.test\nnonsense\n")
        let result = try run(["--source", "file:\(path)"], to: ["alice@example.test"])
        #expect(result.code == 55)
        #expect(result.errors.contains("\(path):2: "))
    }

    @Test func `accepted in the queue convention the next program gets all of it`() throws {
        var tool = try Tool(
            "rcpt-validate", ["--source", source, "--", "/bin/sh", "-c", "cat >&2; cat <&1 >&2"])
        tool.message = Array("Subject: x\n\nx\n".utf8)
        let envelope = Array("Fs@pass.test\0Talice@example.test\0\0".utf8)
        tool.envelope = envelope
        let accepted = try tool.run()
        #expect(accepted.errors.contains(String(decoding: envelope, as: UTF8.self)))
        tool.envelope = Array("Fs@pass.test\0Tbob@example.test\0\0".utf8)
        #expect(try tool.run().code == 31)
    }
}
