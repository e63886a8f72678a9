// Tests of filter-chain in the pipes of other mail systems.
// filter-chain(8), section In a pipe.
// SPDX-License-Identifier: MIT

import MailModel
import TestSupport
import Testing

struct PipeTests {
    private let root: ChainFolder

    init() throws {
        root = try ChainFolder()
        try root.folder.write("etc/control/me", "filter.us.test\n")
    }

    private func pipe(
        _ arguments: [String] = [], _ message: String = ChainFolder.message,
        environment: [String: String] = [:]
    ) throws -> ToolResult {
        var tool = try Tool(
            "filter-chain", ["--root", root.folder.path, "--pipe", "--log", "stderr"] + arguments)
        tool.message = Array(message.utf8)
        tool.environment = environment
        return try tool.run()
    }

    private func verdict(_ verdict: Verdict) throws {
        let code =
            switch verdict {
            case .accept: 0
            case .reject: 31
            case .defer: 71
            case .discard: 99
            }
        let script = "\(ChainFolder.saying(verdict)); exit \(code)"
        try root.step("50-verdict", script: script, "workers 0")
    }

    private static let field = HeaderField(Array("X-Seen".utf8), Array("yes".utf8))
    private static let edits = field.map { [Edit.prepend($0)] } ?? []
    private static let ends = ["--sender=a@b.test", "--recipient=c@d.test"]

    // MARK: Exit codes

    static let verdicts: [(Verdict, code: Int32, errors: String)] = [
        (.accept, 0, ""),
        (.reject(EnhancedStatus(5, 7, 1), "no"), 77, "5.7.1 no"),
        (.reject(EnhancedStatus(5, 6, 0), "bad"), 69, "5.6.0 bad"),
        (.defer(EnhancedStatus(4, 7, 1), "later"), 75, "4.7.1 later"),
        (.accept([.hold]), 75, "4.7.1 held for the administrator"), (.discard, 99, ""),
    ]

    @Test(arguments: verdicts)
    func `each verdict has its code and its reason`(
        _ verdict: Verdict, _ code: Int32, _ errors: String
    ) throws {
        try self.verdict(verdict)
        let result = try pipe()
        #expect(result.code == code, "\(result.errors)")
        #expect(result.text == (code == 0 ? ChainFolder.message : ""))
        let last = result.errors.split(separator: "\n").last ?? ""
        #expect(errors.isEmpty ? last.contains("event=verdict") : last == errors)
    }

    @Test func `without a log on descriptor 2 the reason is all that the caller hears`() throws {
        try verdict(.reject(EnhancedStatus(5, 7, 1), "no"))
        var tool = try Tool("filter-chain", ["--root", root.folder.path, "--pipe"])
        tool.message = Array(ChainFolder.message.utf8)
        #expect(try tool.run().errors == "5.7.1 no\n")
    }

    static let troubles: [([String], String)] = [
        (["--reinject", "nonsense"], "not HOST:PORT"), (["--bogus"], "no option --bogus"),
        (["--sendmail", "/bin/true"], "no --recipient"), (["--"], "no program follows"),
        (["--client-ip", "x"], "not an address"), (["--filters", "/nowhere"], "/nowhere"),
        (["--sendmail", "/bin/true", "--recipient=a@b.test", "--", "cat"], "exclude each other"),
        (["--", "/nowhere/x"], "no such program"),
        (["--reinject", "127.0.0.1:1", "--recipient=a@b.test"], "4.4.1 cannot connect"),
    ]

    @Test(arguments: troubles)
    func `what goes wrong is temporary, a wrong command line too`(
        _ arguments: [String], _ reason: String
    ) throws {
        let result = try pipe(arguments)
        #expect(result.code == 75)
        #expect(result.errors.contains(reason), "\(result.errors)")
        #expect(result.output.isEmpty)
    }

    @Test func `an empty message, and one that cannot be written, are temporary`() throws {
        #expect(try pipe([], "").code == 75)
        let full = try Tool("/bin/sh", ["-c", "exec \"$0\" --root \"$1\" --pipe >/dev/full"])
        var tool = full
        tool.arguments += [try Tool.path("filter-chain"), root.folder.path]
        tool.message = Array(ChainFolder.message.utf8)
        #expect(try tool.run().code == 75)
    }

    @Test func `the options of a pipe are for a pipe`() throws {
        for option in [["--reinject", "127.0.0.1:1"], ["--sendmail", "x"], ["--log", "stderr"]] {
            #expect(try root.byHand(option).code == 55)
        }
        #expect(try root.byHand(["--", "cat"]).code == 55)
    }

    // MARK: Bytes

    static let messages: [(String, String)] = [
        ("Subject: x\n\nbody\n", "LF"), ("Subject: x\r\n\r\nbody\r\n", "CRLF"),
        ("Subject: x\r\n\r\nno end", "CRLF without the last"), ("Subject: x\n\nno end", "no end"),
        ("Subject: x\r\n\r\nmixed\nends\r\n", "mixed"), ("Subject: x\r\n\r\na\rb\r\n", "bare CR"),
        ("From a@b.test Mon Nov  2 10:00:00 2026\nSubject: x\n\nFrom me\n.\n", "From"),
        ("\n", "nothing"), ("no header", "no header"),
    ]

    @Test(arguments: messages)
    func `what nobody edits comes out as it came`(_ message: String, _ name: String) throws {
        try verdict(.accept)
        let result = try pipe(Self.ends, message)
        #expect(result.code == 0, "\(result.errors)")
        #expect(result.output == Array(message.utf8))
    }

    @Test func `a field goes below the line From and has the line ends of the message`() throws {
        try verdict(.accept(Self.edits))
        let line = "From a@b.test Mon Nov  2 10:00:00 2026\n"
        #expect(
            try pipe([], line + "Subject: x\n\nb\n").text == line + "X-Seen: yes\nSubject: x\n\nb\n"
        )
        #expect(
            try pipe([], "Subject: x\r\n\r\nb\r\n").text
                == "X-Seen: yes\r\nSubject: x\r\n\r\nb\r\n")
    }

    @Test func `a step sees no line From, and LF for CRLF`() throws {
        try root.step("50-look", script: "cat > seen; \(ChainFolder.saying(.accept))", "workers 0")
        var tool = try Tool("filter-chain", ["--root", root.folder.path, "--pipe"])
        tool.folder = root.folder.path
        tool.message = Array("From a@b.test Mon\r\nSubject: x\r\n\r\nb\r\n".utf8)
        #expect(try tool.run().code == 0)
        #expect(try root.folder.read("seen") == Array("Subject: x\n\nb\n".utf8))
    }

    // MARK: What is known

    private func facts(
        _ arguments: [String], _ message: String = ChainFolder.message,
        environment: [String: String] = [:]
    ) throws -> String {
        let look =
            #"echo "$TCPREMOTEIP,$TCPREMOTEHOST,$SMTPHELOHOST,$SMTPAUTHUSER,${RELAYCLIENT-no}," >&2;"#
            + " tr '\\0' ' ' <&3 >&2; echo >&2;"
        try root.step("50-look", script: look + ChainFolder.saying(.accept), "workers 0")
        let errors = try pipe(arguments, message, environment: environment).errors
        return errors.split(separator: "\n").prefix(2).joined().replacing("  ", with: " ")
    }

    @Test func `empty words and unknown are no facts, and tags of addresses go`() throws {
        let empty = ["--client-ip=", "--client-name=unknown", "--helo=", "--auth-user="]
        #expect(try facts(empty + Self.ends).hasPrefix(",,,,no,Fa@b.test Tc@d.test "))
        let known = ["--client-ip=IPv6:2001:db8::1", "--client-name=h.test", "--helo=x"]
        #expect(try facts(known + Self.ends).hasPrefix("2001:db8::1,h.test,x,,no,"))
    }

    @Test func `who has logged in, and relayclients, may relay`() throws {
        try root.folder.write("etc/control/relayclients", "192.0.2.0/24\n")
        #expect(try facts(["--client-ip=192.0.2.7"]).hasPrefix("192.0.2.7,,,,,"))
        #expect(try facts(["--client-ip=192.0.3.7"]).hasPrefix("192.0.3.7,,,,no,"))
        #expect(
            try facts(["--client-ip=192.0.3.7", "--auth-user=bob"]).hasPrefix("192.0.3.7,,,bob,,"))
    }

    @Test func `nobody is said in three ways, and the line From names a sender`() throws {
        for sender in ["", "<>", "MAILER-DAEMON"] {
            #expect(try facts(["--sender", sender]).hasSuffix(",F "))
        }
        let line = "From who@b.test Mon Nov  2 10:00:00 2026\n"
        #expect(try facts([], line + ChainFolder.message).hasSuffix(",Fwho@b.test "))
        #expect(try facts(Self.ends, line + ChainFolder.message).hasSuffix(",Fa@b.test Tc@d.test "))
    }

    @Test func `the variables of Exim and others name the envelope where no option does`() throws {
        let environment = ["SENDER": "s@b.test", "RECIPIENT": "r@d.test"]
        #expect(try facts([], environment: environment).hasSuffix(",Fs@b.test Tr@d.test "))
        #expect(try facts(Self.ends, environment: environment).hasSuffix(",Fa@b.test Tc@d.test "))
        let line = "From who@b.test Mon Nov  2 10:00:00 2026\n"
        let nobody = try facts([], line + ChainFolder.message, environment: ["SENDER": ""])
        #expect(nobody.hasSuffix(",F "))
    }

    // MARK: Programs

    @Test func `sendmail gets the edited envelope behind options that end`() throws {
        let mailbox = try Mailbox(Array("new one@d.test".utf8))
        try verdict(
            .accept([
                .removeRecipient(try Mailbox(Array("c@d.test".utf8))), .addRecipient(mailbox),
                .reversePath(.null),
            ]))
        let out = root.folder.file("out")
        let script = "#!/bin/sh\nprintf '%s|' \"$@\" > \(out); cat >> \(out)\n"
        let program = try root.folder.write("sendmail", script, mode: 0o700)
        let result = try pipe(
            ["--sendmail", "\(program) -G", "--recipient=-x@d.test"] + Self.ends)
        #expect(result.code == 0, "\(result.errors)")
        let seen = String(decoding: try root.folder.read("out"), as: UTF8.self)
        #expect(
            seen == "-G|-i|-f|<>|--|-x@d.test|\"new one\"@d.test|" + ChainFolder.message)
    }

    @Test(arguments: [(0, 0), (67, 67), (69, 69), (75, 75), (77, 77), (1, 75), (64, 75), (99, 75)])
    func `a program's code counts where it means what it says`(
        _ code: Int32, _ expected: Int32
    ) throws {
        try verdict(.accept(Self.edits))
        let result = try pipe(["--", "/bin/sh", "-c", "cat; echo why >&2; exit \(code)"])
        #expect(result.code == expected)
        #expect(result.text == "X-Seen: yes\n" + ChainFolder.message)
        #expect(result.errors.contains("why\n"))
    }

    @Test func `a program that dies, or takes too long, is temporary`() throws {
        #expect(try pipe(["--", "/bin/sh", "-c", "kill -9 $$"]).code == 75)
        #expect(try pipe(["--handover-timeout", "200ms", "--", "/bin/sleep", "60"]).code == 75)
    }

    @Test func `nothing is started for what is not accepted, and discard is a success then`() throws
    {
        let touch = ["--", "/bin/touch", root.folder.file("started")]
        for (verdict, code) in [
            (Verdict.discard, Int32(0)), (.reject(EnhancedStatus(5, 7, 1), "no"), 77),
            (.defer(EnhancedStatus(4, 7, 1), "no"), 75),
        ] {
            try self.verdict(verdict)
            #expect(try pipe(touch).code == code)
        }
        try verdict(.accept)
        #expect(try pipe(["--check"] + touch).code == 0)
        #expect(!root.folder.names().contains("started"))
    }
}
