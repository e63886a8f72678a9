import MailModel
import Testing

@testable import Injection

@Suite struct InvocationTests {
    private func sendmail(_ words: String, _ program: String = "sendmail") throws -> Invocation {
        try Invocation(
            sendmail: words.split(separator: " ").map { Array($0.utf8) }, program: program)
    }

    private func request(_ invocation: Invocation) throws -> InjectionRequest {
        guard case .message(let request) = invocation else { throw InjectionError.usage("none") }
        return request
    }

    /// The command lines of programs that Debian has.
    @Test(
        arguments: [
            ("-FCronDaemon -i -B8BITMIME -oem root", ["root"], false, nil, "cron"),
            ("-t -i", [], false, nil, "PHP"), ("-ti", [], false, nil, "PHP, by some"),
            ("-i a@b.test c@d.test", ["a@b.test", "c@d.test"], false, nil, "bsd-mailx"),
            ("-i -f me@h.test a@b.test", ["a@b.test"], false, "me@h.test", "git send-email"),
            ("-oem -oi -f me@h.test -- a@b.test", ["a@b.test"], false, "me@h.test", "mutt"),
            ("-oi -oem -t -fme@h.test", [], false, "me@h.test", "logwatch"),
            ("-r me@h.test a@b.test", ["a@b.test"], true, "me@h.test", "mailx -r"),
            ("-odb -oMrlocal -h 3 a@b.test", ["a@b.test"], true, nil, "old ones"),
            ("-bm -v -Am -X /tmp/log -O Timeout=5 a@b.test", ["a@b.test"], true, nil, "all sorts"),
            ("a@b.test -f me@h.test", ["a@b.test"], true, "me@h.test", "options at the end"),
            ("-- -t", ["-t"], true, nil, "a recipient that looks like an option"),
        ] as [(String, [String], Bool, String?, String)])
    func `the command lines that programs use`(
        words: String, recipients: [String], endsAtDot: Bool, sender: String?, who: String
    ) throws {
        let request = try request(try sendmail(words))
        #expect(request.arguments.map(\.printable) == recipients, "\(who)")
        #expect(request.endsAtDot == endsAtDot, "\(who)")
        #expect(request.sender?.printable == sender, "\(who)")
        let takesHeader = words.hasPrefix("-t") || words.contains(" -t ")
        #expect(request.recipients == (takesHeader ? .both : .arguments), "\(who)")
    }

    @Test func `what the sender wants to be told`() throws {
        let request = try request(try sendmail("-N success,DELAY -R hdrs -V a=b x@y.test"))
        #expect(request.notify == [.success, .delay])
        #expect(request.ret == .headers)
        #expect(request.envid?.decoded == Array("a=b".utf8))
        #expect(try self.request(try sendmail("-Nnever x@y.test")).notify == .never)
    }

    @Test(
        arguments: [
            ("-bs", "sendmail", Invocation.session), ("-b s", "sendmail", .session),
            ("-bp", "sendmail", .list), ("", "mailq", .list), ("-q", "sendmail", .flush),
            ("-q30m", "sendmail", .flush), ("-bi", "sendmail", .aliases),
            ("", "newaliases", .aliases), ("-I", "sendmail", .aliases),
        ])
    func `other modes`(words: String, program: String, invocation: Invocation) throws {
        #expect(try sendmail(words, program) == invocation)
    }

    @Test(
        arguments: [
            "", "-i", "-bd", "-bv root", "-bt", "-N often x@y.test", "-R all x@y.test", "-f",
            "-B 9BIT x@y.test", "-z x@y.test", "-V \u{1} x@y.test", "-i -- ",
        ])
    func `bad usage`(words: String) {
        #expect(throws: InjectionError.self) { try sendmail(words) }
    }

    @Test(
        arguments: [
            ("", InjectionRequest.Recipients.either, [], nil, false),
            ("bob", .either, ["bob"], nil, false), ("-a", .arguments, [], nil, false),
            ("-hn bob", .header, ["bob"], nil, true), ("-H -- -bob", .both, ["-bob"], nil, false),
            ("-fme bob", .either, ["bob"], "me", false), ("-nNA -f me", .either, [], "me", false),
            ("bob -n", .either, ["bob", "-n"], nil, false),
        ] as [(String, InjectionRequest.Recipients, [String], String?, Bool)])
    func `qmail-inject's options`(
        words: String, recipients: InjectionRequest.Recipients, arguments: [String],
        sender: String?, isPrinted: Bool
    ) throws {
        let request = try request(
            try Invocation(qmail: words.split(separator: " ").map { Array($0.utf8) }))
        #expect(request.recipients == recipients)
        #expect(request.arguments.map(\.printable) == arguments)
        #expect(request.sender?.printable == sender)
        #expect(request.isPrinted == isPrinted)
        #expect(!request.endsAtDot)
    }

    @Test(arguments: ["-x", "-f", "-nz"])
    func `qmail-inject's bad usage`(words: String) {
        #expect(throws: InjectionError.self) {
            try Invocation(qmail: words.split(separator: " ").map { Array($0.utf8) })
        }
    }
}

@Suite struct InputFilterTests {
    @Test(
        arguments: [
            ("a\r\nb\r\n", "a\nb\n", false), ("a\rb\r", "a\rb\r\n", false), ("a", "a\n", false),
            ("", "", false), ("a\n.\nb\n", "a\n.\nb\n", false), ("a\n.\nb\n", "a\n", true),
            (".\nb\n", "", true), ("a\r\n.\r\nb", "a\n", true), ("a\n..\nb", "a\n..\nb\n", true),
            ("a\n.", "a\n", true), ("a\n.b\n", "a\n.b\n", true), ("a.\n", "a.\n", true),
            ("a\r\r\n", "a\r\n", false),
        ])
    func `line ends and the dot, in pieces of any size`(
        input: String, output: String, endsAtDot: Bool
    ) {
        let bytes = Array(input.utf8)
        for size in 1...max(1, bytes.count) {
            var filter = InputFilter(endsAtDot: endsAtDot)
            var result: [UInt8] = []
            for start in stride(from: 0, to: bytes.count, by: size) {
                filter.take(bytes[start..<min(start + size, bytes.count)], into: &result)
            }
            filter.finish(into: &result)
            #expect(result == Array(output.utf8), "pieces of \(size)")
        }
    }
}
