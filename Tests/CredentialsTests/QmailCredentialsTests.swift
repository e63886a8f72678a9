import Credentials
import MailModel
import Passwords
import TestSupport
import Testing

/// The users of vpopmail and vmailmgr, in files of their formats.
@Suite struct QmailCredentialsTests {
    private let tree: QmailTree
    private let place: Installation

    init() throws {
        tree = try QmailTree()
        place = try Installation()
    }

    private func hash(_ password: String, _ method: HashMethod = .sha512) throws -> String {
        try CryptHash.make(
            of: Array(password.utf8), method, cost: method.costs.lowerBound
        ).printable
    }

    private func line(
        _ name: String, _ hash: String, flags: Int = 0, clear: String? = nil
    ) -> String {
        "\(name):\(hash):1:\(flags):A User:/home/\(name):NOQUOTA" + (clear.map { ":\($0)" } ?? "")
    }

    private func makeVpopmail(isCompiled: Bool = true) throws {
        try tree.assign([
            tree.assignment("x.test"), tree.assignment("alias.test", of: "x.test"), ".",
        ])
        let hash = try hash("geheim")
        try tree.makeDomain(
            "x.test",
            users: [
                line("anna", hash, clear: "geheim"), line("bert", hash), line("empty", ""),
                line("smtp", hash, flags: 0x800, clear: "geheim"), line("relay", hash, flags: 0x20),
                line("pop", hash, flags: 0x0F), line("over", hash, flags: 0x2000),
                line("colon", try self.hash("a:b"), clear: "a:b"),
                line("scheme", "{CRYPT}\(hash)"), line("bad", "{NTLM}x"),
            ], isCompiled: isCompiled)
        try place.write(auth: "vpopmail clear=yes qmail=\(tree.qmail) \(tree.vpopmail)\n")
    }

    @Test(arguments: [true, false])
    func `vpopmail's users log in by hash, and the flags of relaying count`(isCompiled: Bool) throws
    {
        try makeVpopmail(isCompiled: isCompiled)
        let sources = try place.sources()
        for (login, password, word) in [
            ("anna@x.test", "geheim", "yes anna@x.test"),
            ("ANNA@X.TEST", "geheim", "yes anna@x.test"),
            ("anna%x.test", "geheim", "yes anna@x.test"),
            ("anna/x.test", "geheim", "yes anna@x.test"),
            ("anna@alias.test", "geheim", "yes anna@x.test"), ("anna@x.test", "falsch", "no"),
            ("anna", "geheim", "no"), ("anna@other.test", "geheim", "no"),
            ("@x.test", "geheim", "no"),
            ("../anna@x.test", "geheim", "no"), ("empty@x.test", "", "no"),
            ("empty@x.test", "x", "no"),
            ("smtp@x.test", "geheim", "no"), ("relay@x.test", "geheim", "no"),
            ("pop@x.test", "geheim", "yes pop@x.test"), ("colon@x.test", "a:b", "yes colon@x.test"),
            ("scheme@x.test", "geheim", "yes scheme@x.test"), ("bad@x.test", "x", "unavailable"),
            ("anna@alias.test@x.test", "geheim", "no"),
        ] {
            #expect(sources.word(login, password) == word, "\(login) \(password)")
        }
        try tree.folder.write("vpopmail/etc/defaultdomain", "x.test\n")
        #expect(sources.word("anna", "geheim") == "yes anna@x.test")
    }

    @Test func `clear text of vpopmail serves CRAM-MD5 and SCRAM, where it is`() throws {
        try makeVpopmail()
        let sources = try place.sources()
        #expect(sources.abilities == [.verify, .clearText, .scram, .cramMD5])
        for (login, word) in [
            ("anna@alias.test", "anna@x.test"), ("bert@x.test", "refused"),
            ("smtp@x.test", "refused"), ("nobody@x.test", "unknown"),
            ("colon@x.test", "colon@x.test"),
        ] {
            #expect(sources.scram(login) == word)
        }
        guard case .found(let verifier, _) = sources.scramVerifier(Array("colon@x.test".utf8))
        else {
            Issue.record("no clear text")
            return
        }
        #expect(try verifier.matches(Array("a:b".utf8)))
        try place.write(auth: "vpopmail qmail=\(tree.qmail) \(tree.vpopmail)\n")
        #expect(try place.sources().abilities == .verify)
    }

    @Test func `limits of a domain count, but for those whom they do not concern`() throws {
        try makeVpopmail()
        let sources = try place.sources()
        let limits = "vpopmail/domains/x.test/.qmailadmin-limits"
        for (file, text, word) in [
            (limits, "disable_pop: 1\ndisable_smtp: 1\n", "no"), (limits, "disable_smtp\n", "no"),
            (limits, "disable_smtp: 0\n", "yes anna@x.test"),
            ("vpopmail/etc/vlimits.default", "disable_smtp: 1\n", "yes anna@x.test"),
        ] {
            try tree.folder.write(file, text)
            #expect(sources.word("anna@x.test", "geheim") == word, "\(file) \(text)")
            #expect(sources.word("over@x.test", "geheim") == "yes over@x.test")
        }
    }

    @Test func `a damaged domain of vpopmail is unavailable, and never no`() throws {
        try makeVpopmail()
        let sources = try place.sources()
        try tree.folder.write("vpopmail/domains/x.test/vpasswd.cdb", "damaged")
        #expect(sources.word("anna@x.test", "geheim") == "unavailable")
        try tree.folder.write(
            "vpopmail/domains/x.test/vpasswd.cdb", constantDatabase([("anna", "short")]))
        #expect(sources.word("anna@x.test", "geheim") == "unavailable")
        try tree.folder.write("qmail/users/cdb", "x")
        #expect(sources.word("anna@x.test", "geheim") == "unavailable")
        #expect(place.complaint() != "")
    }

    private func record(
        _ password: String, flags: [UInt8] = [10, 1, 8, 1, 0], expiry: String = "-"
    )
        -> [UInt8]
    {
        [2] + flags + Array("\(password)\0./users/u\0\0A User\0-\0-\0-\0-\0001\0\(expiry)\0".utf8)
    }

    @Test func `vmailmgr's users log in by any of its hashes`() throws {
        try tree.writePasswd([("alias", tree.uid), ("base", tree.uid)])
        try tree.control("locals", "mx.test\n")
        try tree.control("virtualdomains", "virt.test:base\n")
        let hash = try hash("geheim")
        let records: [(String, [UInt8])] = [
            ("anna", record(hash)), ("clear", record("$0$geheim")), ("none", record("$0$")),
            // md5("geheim")
            ("md5", record("3e8636ea013e682faf61f56ce1cb1ab5c")), ("empty", record("")),
            ("off", record(hash, flags: [10, 1, 8, 0, 0])), ("gone", record(hash, expiry: "1000")),
            ("later", record(hash, expiry: "4000000000")), ("old", Array(":\(hash):./u".utf8)),
            ("sent", Array(":\(hash):&a@b.test".utf8)), ("bad", Array("x".utf8)),
            ("+", record(hash)),
        ]
        try tree.folder.write(
            "home/base/passwd.cdb", constantDatabase(of: records.map { (Array($0.0.utf8), $0.1) }))
        try place.write(auth: "vmailmgr passwd=\(tree.passwd) clear=yes \(tree.qmail)\n")
        let sources = try place.sources()
        for (login, word) in [
            ("anna@virt.test", "yes anna@virt.test"), ("Anna:Virt.test", "yes anna@virt.test"),
            ("clear@virt.test", "yes clear@virt.test"), ("md5@virt.test", "yes md5@virt.test"),
            ("none@virt.test", "no"), ("empty@virt.test", "no"), ("off@virt.test", "no"),
            ("gone@virt.test", "no"), ("later@virt.test", "yes later@virt.test"),
            ("old@virt.test", "yes old@virt.test"), ("sent@virt.test", "no"),
            ("bad@virt.test", "unavailable"), ("nobody@virt.test", "no"), ("+@virt.test", "no"),
            ("anna@mx.test", "no"), ("anna", "no"), ("anna@other.test", "no"),
        ] {
            #expect(sources.word(login, "geheim") == word, "\(login)")
            #expect(sources.word(login, "falsch") == (word == "unavailable" ? word : "no"))
        }
        #expect(sources.scram("clear@virt.test") == "clear@virt.test")
        #expect(sources.scram("anna@virt.test") == "refused")
    }
}
