import Accounts
import Credentials
import Foundation
import Glibc
import MailModel
import Passwords
import TestSupport
import Testing

@Suite struct UsersFileTests {
    private let place: Installation

    init() throws { place = try Installation() }

    private func line(_ login: String, _ password: String) throws -> String {
        let hash = try CryptHash.make(of: Array(password.utf8), .sha512, cost: 1000)
        return "\(login):{CRYPT}\(hash.printable)\n"
    }

    @Test func `without control/auth the users file decides, and without both nobody can log in`()
        throws
    {
        #expect(try place.sources().abilities == [])
        #expect(try place.word("anna", "x") == "no")
        try place.write(users: try line("anna", "geheim"))
        #expect(try place.sources().abilities.contains(.verify))
        #expect(try place.word("anna", "geheim") == "yes anna")
    }

    @Test func `a file by hand is read as it is`() throws {
        let text =
            "# comment:x\n\n  \n" + (try line("Anna@Example.org", "geheim"))
            + (try line("bert", "hier")).dropLast() + ":1000:1000::/home/bert::mail=maildir:~/M\n"
            + "carl:{PLAIN}a b\ndora:!\nemil:{PLAIN}\nfritz:\n"
            + (try line("last", "end"))
            .dropLast()
        try place.write(users: text)
        let sources = try place.sources()
        for (login, password, word) in [
            ("anna@example.org", "geheim", "yes anna@example.org"),
            ("ANNA@EXAMPLE.ORG", "geheim", "yes anna@example.org"),
            ("anna@example.org", "Geheim", "no"), ("anna", "geheim", "no"),
            ("bert", "hier", "yes bert"), ("carl", "a b", "yes carl"), ("carl", "a", "no"),
            ("dora", "!", "no"), ("emil", "{PLAIN}", "no"), ("fritz", "x", "no"),
            ("# comment", "x", "no"), ("", "x", "no"), ("last", "end", "yes last"),
            ("last", "en", "no"), ("bert\u{0}x", "hier", "no"),
        ] {
            #expect(sources.word(login, password) == word, "\(login) \(password)")
        }
    }

    @Test func `the database gives the answers of the file, and none of an older one`() throws {
        try place.write(users: try line("anna", "geheim") + line("bert", "hier"))
        #expect(try place.user(["compile"]).text == "\(place.users).cdb: 2 users\n")
        let sources = try place.sources()
        #expect(sources.word("Anna", "geheim") == "yes anna")
        #expect(sources.word("bert", "geheim") == "no")
        #expect(sources.word(":secret", "x") == "no")
        #expect(sources.word(":decoy", "x") == "no")
        // By hand, and at once: the same value is asked again.
        try place.write(users: try line("bert", "neu"))
        #expect(sources.word("anna", "geheim") == "no")
        #expect(sources.word("bert", "neu") == "yes bert")
        // A file that has an older time is another file too.
        try place.user(["compile"])
        let old = try place.folder.read("etc/users")
        try place.write(users: try line("bert", "alt"))
        try FileManager.default.setAttributes(
            [.modificationDate: Date(timeIntervalSince1970: 1_000_000_000)],
            ofItemAtPath: place.users)
        #expect(sources.word("bert", "neu") == "no")
        #expect(old.count > 0 && sources.word("bert", "alt") == "yes bert")
    }

    @Test(arguments: [0o644, 0o604, 0o602, 0o641])
    func `a file that others may touch is refused, and later unavailable`(mode: Int) throws {
        try place.write(users: try line("anna", "geheim"))
        try place.write(auth: "users\n")
        let sources = try place.sources()
        chmod(place.users, UInt32(mode))
        #expect(sources.word("anna", "geheim") == "unavailable")
        #expect(place.complaint().contains("\(place.users): others may read or write it"))
    }

    @Test func `a database that others may read is unavailable too`() throws {
        try place.user(["add", "anna", "--password-stdin", "--cost", "1"], "geheim\n")
        let sources = try place.sources()
        #expect(sources.word("anna", "geheim") == "yes anna")
        chmod("\(place.users).cdb", 0o644)
        #expect(sources.word("anna", "geheim") == "unavailable")
    }

    @Test(arguments: [
        ("anna\n", "2: not login:password"), ("a b:x\n", "2: no login: a b"),
        (":x\n", "2: no login"),
        (String(repeating: "a", count: 256) + ":x\n", "2: no login"),
        ("anna:" + String(repeating: "x", count: 9000) + "\n", "2: "),
    ])
    func `a bad line is named at start`(text: String, reason: String) throws {
        try place.write(users: "ok:{PLAIN}x\n" + text)
        try place.write(auth: "users\n")
        #expect(place.complaint().contains("\(place.users):\(reason)"), "\(place.complaint())")
    }

    @Test func `a file that is named and missing is refused, and later unavailable`() throws {
        try place.write(auth: "users\n")
        #expect(place.complaint().contains("users: No such file"))
        try place.write(users: "")
        let sources = try place.sources()
        #expect(sources.word("anna", "x") == "no")
        unlink(place.users)
        #expect(sources.word("anna", "x") == "unavailable")
    }

    @Test func `a scheme that is not known is unavailable, never refused`() throws {
        try place.write(users: "anna:{NTLM}abc\nbert:{CRYPT}$9$what\n")
        #expect(try place.word("anna", "x") == "unavailable")
        #expect(try place.word("bert", "x") == "unavailable")
    }

    @Test func `SCRAM has the verifier of the line, and of nobody else`() throws {
        try place.user(["add", "anna", "--password-stdin", "--cost", "1"], "geheim\n")
        try place.user(
            ["add", "bert", "--password-stdin", "--cost", "1", "--no-scram"], "hier\n")
        let sources = try place.sources()
        guard case .found(let verifier, let user) = sources.scramVerifier(Array("Anna".utf8))
        else {
            Issue.record("no verifier")
            return
        }
        #expect(user == Array("anna".utf8))
        #expect(try verifier.matches(Array("geheim".utf8)))
        #expect(sources.scram("bert") == "refused")
        #expect(sources.scram("carl") == "unknown")
        #expect(sources.abilities == [.verify, .scram])
    }

    @Test func `who has no verifier gets one that stays the same and fits nothing`() throws {
        try place.user(["add", "anna", "--password-stdin", "--cost", "1"], "geheim\n")
        let one = try place.sources().decoy(for: Array("Nobody".utf8))
        // Another process, and another database.
        try place.user(["add", "bert", "--password-stdin", "--cost", "1"], "hier\n")
        let other = try place.sources().decoy(for: Array("nobody".utf8))
        #expect(one == other)
        #expect(one.iterations == 4096 && one.salt.count == 16)
        #expect(try place.sources().decoy(for: Array("nobody2".utf8)).salt != one.salt)
    }

    @Test
    func `who has no verifier has the iterations of most, and SCRAM is offered while it can be`()
        throws
    {
        for (login, iterations) in [("anna", "5000"), ("bert", "4096"), ("carl", "5000")] {
            try place.user(
                [
                    "add", login, "--password-stdin", "--cost", "1", "--scram-iterations",
                    iterations,
                ], "x\n")
        }
        #expect(try place.sources().decoy(for: Array("nobody".utf8)).iterations == 5000)
        try place.write(auth: "users scram=no\n")
        #expect(try place.sources().abilities == .verify)
        try place.write(auth: "users\n")
        let sources = try place.sources()
        #expect(sources.abilities == [.verify, .scram])
        try place.user(["remove", "anna", "bert", "carl"])
        try place.user(["add", "dora", "--password-stdin", "--cost", "1", "--no-scram"], "x\n")
        #expect(sources.abilities == .verify)
    }

    @Test func `nobody is checked against a hash that is locked, or against clear text`() throws {
        let hash = "{CRYPT}" + (try CryptHash.make(of: [0x78], .sha512, cost: 1000).printable)
        try place.write(users: "a:!\(hash.dropFirst(7))\nb:{PLAIN}$6$x$y\nc:\(hash)\nd:*$6$x$y\n")
        try place.user(["compile"])
        let decoy = try UsersFile(place.root).decoy()
        #expect(decoy == .crypt(Array(hash.utf8.dropFirst(7))))
    }

    @Test func `a look-up costs the same with twenty thousand users`() throws {
        let lines = (0..<20_000).map { "user\($0):{PLAIN}secret\($0)\n" }.joined()
        try place.write(users: lines)
        #expect(try place.user(["compile"]).code == 0)
        let sources = try place.sources()
        #expect(sources.word("user19999", "secret19999") == "yes user19999")
        var start = timespec()
        var end = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &start)
        for number in 0..<100 { _ = sources.word("user\(number * 199)", "secret") }
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &end)
        let taken = (end.tv_sec - start.tv_sec) * 1_000_000 + (end.tv_nsec - start.tv_nsec) / 1000
        // A millisecond each, also as it is built for tests.
        #expect(taken < 100_000, "\(taken) microseconds")
    }

    @Test func `clear text serves CRAM-MD5 and SCRAM where it is said to be there`() throws {
        try place.write(users: "tim:{PLAIN}tanstaaftanstaaf\nanna:!\n")
        try place.write(auth: "users clear=yes\n")
        let sources = try place.sources()
        #expect(sources.abilities == [.verify, .scram, .clearText, .cramMD5])
        #expect(sources.scram("anna") == "refused")
        // RFC 2195, section 2.
        let challenge = Array("<1896.697170952@postoffice.reston.mci.net>".utf8)
        for (digest, word) in [
            ("b913a602c7eda7a495b4e6e7334d3890", "yes tim"),
            ("b913a602c7eda7a495b4e6e7334d3891", "no"), ("b913", "no"),
        ] {
            let answer = CRAMAnswer(challenge: challenge, digest: Array(digest.utf8))
            #expect(sources.verify(Array("tim".utf8), answer).word == word)
            #expect(sources.verify(Array("anna".utf8), answer).word == "no")
        }
        guard case .found(let one, _) = sources.scramVerifier(Array("tim".utf8)),
            case .found(let other, _) = sources.scramVerifier(Array("tim".utf8))
        else {
            Issue.record("no verifier")
            return
        }
        #expect(one == other)
        #expect(try one.matches(Array("tanstaaftanstaaf".utf8)))
    }

    @Test func `who is unknown costs as much as a wrong password`() throws {
        // Thirty milliseconds for each check, and none for what is not checked.
        for login in ["anna", "bert"] {
            try place.user(
                ["add", login, "--password-stdin", "--hash", "sha512", "--cost", "80000"], "x\n")
        }
        let folder = place.folder
        try folder.write(
            "etc/users", try folder.read("etc/users") + Array("carl:!\n".utf8), mode: 0o640)
        for isCompiled in [false, true] {
            if isCompiled { try place.user(["compile"]) }
            let sources = try place.sources()
            // Of this thread alone: other tests run at the same time.
            func time(_ login: String) -> Int {
                var start = timespec()
                var end = timespec()
                clock_gettime(CLOCK_THREAD_CPUTIME_ID, &start)
                _ = sources.word(login, "wrong")
                clock_gettime(CLOCK_THREAD_CPUTIME_ID, &end)
                return (end.tv_sec - start.tv_sec) * 1_000_000 + (end.tv_nsec - start.tv_nsec)
                    / 1000
            }
            let known = time("anna")
            for login in ["nobody", "carl"] {
                let other = time(login)
                #expect(other > known / 2 && other < known * 2, "\(login): \(other), \(known)")
            }
        }
    }
}
