// mail-inject and programs of others that call sendmail: bsd-mailx, git send-email, PHP.
// SPDX-License-Identifier: MIT

import Glibc
import TestSupport
import Testing
import UnixIO

@Suite struct LocalSubmissionTests {
    private static let mailx = Result { try UnpackedProgram("bsd-mailx") }
    private static let php = Result { try UnpackedProgram("php8.2-cli") }
    private static let gitEmail = Result {
        let program = try UnpackedProgram("git-email")
        var tool = try Tool(
            "\(repository)/scripts/unpack-package", ["libmailtools-perl", program.root])
        tool.limit = .seconds(300)
        let result = try tool.run()
        guard result.code == 0 else { throw TestFailure("unpack-package: \(result.errors)") }
        return program
    }

    private let folder: TestFolder
    /// What stands in qmail-queue's place: it keeps what it gets.
    private let queue: String

    init() throws {
        folder = try TestFolder()
        try folder.write("root/etc/control/me", "mail.test\n")
        queue = try folder.write(
            "queue",
            "#!/bin/sh\ncat > \(folder.file("message"))\ncat <&1 > \(folder.file("envelope"))\n",
            mode: 0o755)
        #expect(symlink(try Tool.path("mail-inject"), sendmail) == 0)
    }

    private var sendmail: String { folder.file("sendmail") }
    private var environment: [String: String] {
        [
            "CHAINMAIL_ROOT": folder.file("root"), "QMAILQUEUE": queue, "USER": "joe",
            "HOME": folder.path,
        ]
    }

    private func message() throws -> String {
        String(decoding: try folder.read("message"), as: UTF8.self)
    }

    private func envelope() throws -> String {
        String(decoding: try folder.read("envelope"), as: UTF8.self)
            .replacing("\0", with: " ")
    }

    @Test func `bsd-mailx`() throws {
        let settings = try folder.write("mailrc", "set sendmail=\(sendmail)\n")
        var tool = try Self.mailx.get().tool(
            "usr/bin/bsd-mailx",
            ["-s", "x", "-c", "carol@a.test", "-b", "dan@a.test", "-r", "me@x.test", "bob"])
        tool.environment.merge(environment) { own, _ in own }
        tool.environment["MAILRC"] = settings
        tool.message = Array("hello\n..\nend\n".utf8)
        let result = try tool.run()
        #expect(result.code == 0, "\(result.errors)")
        #expect(
            try envelope() == "Fme@x.test Tbob@mail.test Tcarol@a.test Tdan@a.test  ")
        let text = try message()
        #expect(text.contains("\nTo: bob@mail.test\n") && text.contains("\nSubject: x\n"))
        #expect(!text.contains("dan@a.test"))
        #expect(text.contains("\nhello\n..\nend\n"))
    }

    @Test func `git send-email`() throws {
        let script =
            "git init -q . && git config user.email dev@x.test && git config user.name 'D\u{E9}v'"
            + " && echo a > a && git add a && git commit -qm 'first: \u{FC}n\u{EF}'"
            + " && git format-patch -1 --root -q && git config sendemail.confirm never"
            + " && perl \(try Self.gitEmail.get().root)/usr/lib/git-core/git-send-email"
            + " --sendmail-cmd='\(sendmail)' --to 'Bob Mr <bob@a.test>' --cc carol@b.test"
            + " --envelope-sender=bounce@x.test --suppress-cc=self *.patch"
        let work = folder.file("work")
        try Files.makeFolders(work)
        var tool = try Tool("/bin/sh", ["-c", script])
        tool.folder = work
        tool.environment = environment
        tool.environment["PERL5LIB"] = "\(try Self.gitEmail.get().root)/usr/share/perl5"
        let result = try tool.run()
        #expect(result.code == 0, "\(result.errors) \(result.text)")
        #expect(try envelope() == "Fbounce@x.test Tbob@a.test Tcarol@b.test  ")
        let text = try message()
        #expect(text.contains("\nSubject: [PATCH] =?UTF-8?"))
        #expect(text.contains("\ndiff --git a/a b/a\n"))
    }

    @Test func `PHP's mail()`() throws {
        let code = """
            exit(mail("bob@a.test, carol@b.test", "H\u{E4}llo", "line1\\r\\nline2\\n.\\nend",
            ["From" => "web@x.test", "Bcc" => "secret@x.test"], "-fbounce@x.test") ? 0 : 9);
            """
        var tool = try Self.php.get().tool(
            "usr/bin/php8.2", ["-n", "-d", "sendmail_path=\(sendmail) -t -i", "-r", code])
        tool.environment.merge(environment) { own, _ in own }
        let result = try tool.run()
        #expect(result.code == 0, "\(result.errors) \(result.text)")
        #expect(
            try envelope() == "Fbounce@x.test Tbob@a.test Tcarol@b.test Tsecret@x.test  ")
        let text = try message()
        #expect(!text.contains("secret") && !text.contains("\r"))
        #expect(text.hasSuffix("\nFrom: web@x.test\n\nline1\nline2\n.\nend\n"))
    }

    @Test func `PHP is told that mail() failed`() throws {
        var tool = try Self.php.get().tool(
            "usr/bin/php8.2",
            [
                "-n", "-d", "sendmail_path=\(sendmail) -t -i", "-r",
                "exit(mail('b o b', 'x', 'y') ? 0 : 9);",
            ])
        tool.environment.merge(environment) { own, _ in own }
        #expect(try tool.run().code == 9)
    }
}
