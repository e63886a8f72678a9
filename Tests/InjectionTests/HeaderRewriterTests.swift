import Control
import MailModel
import TestSupport
import Testing

@testable import Injection

/// Names that tests use.
enum Names {
    static var defaults: DefaultNames {
        DefaultNames(
            host: Array("default.test".utf8), domain: Array("domain.test".utf8),
            plusDomain: Array("plus.test".utf8), idHost: Array("id.test".utf8))
    }
}

@Suite struct HeaderRewriterTests {
    private func rewrite(
        _ header: String, _ style: InjectionStyle = .qmail,
        _ change: (inout InjectionRequest) -> Void = { _ in }
    ) throws -> (text: String, from: String, to: [String]) {
        var request = InjectionRequest()
        if style == .sendmail { request.recipients = .both }
        change(&request)
        var injector = Injector(passwd: "/dev/null")
        injector.user = Array("joe".utf8)
        injector.senderUser = injector.user
        (injector.host, injector.senderHost, injector.fullName) = (nil, nil, nil)
        let rewriter = HeaderRewriter(
            style, request, injector, Names.defaults, now: 1_795_472_000, id: "ID-1")
        let fields = HeaderFields(Array(header.utf8), isWhole: true).fields
        let result = try rewriter.rewrite(fields)
        return (
            String(decoding: result.bytes, as: UTF8.self),
            "\(result.envelope.reversePath)", result.envelope.recipients.map(\.description)
        )
    }

    @Test func `a header that has all stays as it is`() throws {
        let header =
            "Date: x\nMessage-ID: <y>\nFrom: \"Me\"  <me@a.test> (c)\nTo: bob@b.test\nX: y\n z\n"
        let result = try rewrite(header)
        #expect(result.text == header)
        #expect(result.from == "<joe@default.test>")
        #expect(result.to == ["bob@b.test"])
    }

    @Test func `what is missing is added`() throws {
        let result = try rewrite("Subject: x\nBcc: bob\n")
        #expect(
            result.text == """
                Date: 23 Nov 2026 22:13:20 -0000
                Message-ID: <ID-1@id.test>
                From: joe@default.test
                Cc: recipient list not shown: ;
                Subject: x

                """)
        #expect(result.to == ["bob@default.test"])
    }

    @Test func `addresses are completed where they are`() throws {
        let result = try rewrite(
            "Date: x\nMessage-ID: y\nFrom: Me (c) <me>\n"
                + "To: bob, \"C, D\" <carol@host>, dave@host+ (d),\n g: eve@x.test, \"f g\";\n")
        #expect(
            result.text
                == "Date: x\nMessage-ID: y\nFrom: Me (c) <me@default.test>\n"
                + "To: bob@default.test, \"C, D\" <carol@host.domain.test>, "
                + "dave@host.plus.test (d),\n g: eve@x.test, \"f g\"@default.test;\n")
        #expect(
            result.to == [
                "bob@default.test", "carol@host.domain.test", "dave@host.plus.test", "eve@x.test",
                "f g@default.test",
            ])
    }

    @Test func `a message that is sent on goes to whom it is sent on to, now`() throws {
        let result = try rewrite(
            "Resent-To: new@a.test\nResent-Bcc: secret@a.test\nReceived: x\n"
                + "Resent-To: old@a.test\nResent-From: old@b.test\nFrom: a@b.test\nTo: c@d.test\n")
        #expect(result.to == ["new@a.test", "secret@a.test"])
        #expect(
            result.text.hasPrefix(
                "Resent-Date: 23 Nov 2026 22:13:20 -0000\nResent-Message-ID: <ID-1@id.test>\n"
                    + "Resent-To: new@a.test\nReceived: x\n"))
    }

    @Test(
        arguments: [
            ("Return-Path: <list@a.test>\n", nil, "<list@a.test>"),
            ("Return-Path: <>\n", nil, "<>"), ("Return-Path: <x>\n", "me", "<me@default.test>"),
            ("", "", "<>"), ("", "<>", "<>"), ("", "<me@a.test>", "<me@a.test>"),
            ("", "me@host", "<me@host.domain.test>"), ("", "#@[]", "<#@[]>"),
            ("", "a b@c.test", "<a b@c.test>"),
        ] as [(String, String?, String)])
    func `the reverse-path`(header: String, option: String?, path: String) throws {
        let result = try rewrite(header + "To: bob\n") { $0.sender = option.map { Array($0.utf8) } }
        #expect(result.from == path)
        #expect(!result.text.contains("Return-Path"))
    }

    @Test func `with sendmail's -f a missing From names whom that does`() throws {
        let result = try rewrite("To: bob\n", .sendmail) {
            $0.sender = Array("me@a.test".utf8)
            $0.fullName = Array("J\u{F6}rg \"X\"".utf8)
        }
        #expect(result.text.contains("\nFrom: =?UTF-8?B?SsO2cmcgIlgi?= <me@a.test>\n"))
        let plain = try rewrite("To: bob\n", .sendmail) { $0.fullName = Array("J \"X\"\n".utf8) }
        #expect(plain.text.contains("\nFrom: \"J \\\"X\\\"\" <joe@default.test>\n"))
    }

    @Test(
        arguments: [
            ("list-@a.test-@[]", "list-@a.test"), ("#@[]", "joe@default.test"),
            ("<>", "joe@default.test"), ("a b@c.test", "\"a b\"@c.test"),
        ])
    func `whom a From names that is added by -f`(sender: String, author: String) throws {
        let result = try rewrite("To: bob\n", .sendmail) { $0.sender = Array(sender.utf8) }
        #expect(result.text.contains("\nFrom: \(author)\n"), "\(result.text)")
    }

    @Test func `each recipient is one once`() throws {
        let result = try rewrite("To: bob, carol\nCc: bob@default.test\n", .sendmail) {
            $0.arguments = [Array("Carol <carol>, dave".utf8)]
        }
        #expect(result.to == ["carol@default.test", "dave@default.test", "bob@default.test"])
    }

    @Test func `no recipient, and a field that cannot be read, are errors`() {
        #expect(throws: InjectionError.self) { try rewrite("Subject: x\n") }
        #expect(throws: InjectionError.self) { try rewrite("To: a b\n") }
        #expect(throws: InjectionError.self) { try rewrite("To: undisclosed-recipients:;\n") }
    }

    @Test func `a field that is not needed is left as it is`() throws {
        let result = try rewrite("To: a b\nFrom: c d\n") { $0.arguments = [Array("bob".utf8)] }
        #expect(result.text.hasSuffix("To: a b\nFrom: c d\n"))
    }

    @Test(
        arguments: [
            ("hello\nworld\n", 0, 0), ("A: b\n\nbody\n", 1, 6), ("A: b\nbody\n", 1, 5),
            ("From me Mon\nA: b\n\nbody\n", 1, 18), ("A: b\n c\nD: e\n", 2, 13), ("\nx\n", 0, 1),
            (" x\n\n", 0, 0), (": x\n", 0, 0), ("A b: c\n", 0, 0), ("A : c\n\n", 1, 7),
        ])
    func `where a header ends`(text: String, count: Int, start: Int) {
        let fields = HeaderFields(Array(text.utf8), isWhole: true)
        #expect(fields.fields.count == count)
        #expect(fields.bodyStart == start)
    }
}
