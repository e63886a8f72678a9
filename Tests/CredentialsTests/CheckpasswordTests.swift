import Credentials
import Glibc
import MailModel
import TestSupport
import Testing
import UnixIO

/// Programs of the checkpassword interface, as shell and Python scripts.
@Suite struct CheckpasswordTests {
    private let place: Installation

    init() throws { place = try Installation() }

    /// A program that reads three fields from descriptor 3 and writes them into a file.
    private func program(_ lines: String) throws -> String {
        try place.folder.write(
            "checker",
            """
            #!/usr/bin/python3
            import os, sys, time, signal
            data = os.read(3, 600)
            fields = data.split(b"\\0")
            open("\(place.folder.file("data"))", "wb").write(data)
            open("\(place.folder.file("environment"))", "w").write(repr(sorted(os.environ.items())))
            \(lines)
            """, mode: 0o700)
    }

    private let honest = """
        if fields[0] == b"anna" and fields[1] == b"geheim":
            os.execv(sys.argv[-1], sys.argv[-1:])
        sys.exit(1)
        """

    @Test func `a right password runs the program, a wrong one is refused`() throws {
        let checker = try program(honest)
        for line in [
            "checkpassword \(checker)", "checkpassword \(checker) /bin/true",
            "checkpassword \(checker) a true", "checkpassword \(checker) 'a b'",
        ] {
            try place.write(auth: "\(line)\n")
            #expect(try place.word("anna", "geheim") == "yes anna")
            #expect(try place.folder.read("data") == Array("anna\0geheim\0\0".utf8))
            #expect(try place.word("anna", "falsch") == "no")
            #expect(try place.word("bert", "geheim") == "no")
        }
        let sources = try place.sources()
        #expect(sources.abilities == .verify)
        #expect(sources.scram("anna") == "refused")
    }

    @Test(arguments: [
        ("sys.exit(2)", "unavailable"), ("sys.exit(111)", "unavailable"),
        ("sys.exit(3)", "unavailable"),
        ("os.kill(os.getpid(), 9)", "unavailable"), ("raise Exception", "no"),
        ("time.sleep(60)", "unavailable"),
        ("os.fork() or time.sleep(60); sys.exit(1)", "no"),
    ])
    func `an end says no only when it is 1`(lines: String, word: String) throws {
        let checker = try program(lines)
        try place.write(auth: "checkpassword timeout=500ms probe=no \(checker)\n")
        let clock = ContinuousClock()
        let sources = try place.sources()
        let took = clock.measure { #expect(sources.word("anna", "geheim") == word) }
        #expect(took < .seconds(20))
    }

    @Test func `the environment is what is known of the client, and nothing of ours`() throws {
        let checker = try program(honest)
        try place.write(auth: "checkpassword probe=no \(checker)\n")
        var context = LoginContext()
        context.clientAddress = IPAddress("192.0.2.7")
        context.localAddress = IPAddress("192.0.2.1")
        context.localPort = 587
        context.mechanism = "LOGIN"
        setenv("CHAINMAIL_TEST_SECRET", "x", 1)
        #expect(try place.word("anna", "geheim", context) == "yes anna")
        let environment = String(decoding: try place.folder.read("environment"), as: UTF8.self)
        for variable in [
            "('TCPREMOTEIP', '192.0.2.7')", "('TCPLOCALIP', '192.0.2.1')",
            "('TCPLOCALPORT', '587')", "('SMTPAUTHMETHOD', 'LOGIN')",
        ] {
            #expect(environment.contains(variable), "\(environment)")
        }
        #expect(!environment.contains("SECRET"))
    }

    @Test func `more than 512 bytes are never cut`() throws {
        let checker = try program(
            "os.execv(sys.argv[-1], sys.argv[-1:]) if fields[0] == b'anna' else sys.exit(1)")
        try place.write(auth: "checkpassword \(checker)\n")
        let sources = try place.sources()
        #expect(sources.word("anna", String(repeating: "x", count: 505)) == "yes anna")
        #expect(sources.word("anna", String(repeating: "x", count: 506)) == "no")
    }

    @Test func `a challenge goes in the third field where the program knows that`() throws {
        let checker = try program(
            """
            import hmac
            if fields[1] == hmac.new(b"geheim", fields[2], "md5").hexdigest().encode():
                os.execv(sys.argv[-1], sys.argv[-1:])
            sys.exit(1)
            """)
        let challenge = Array("<1.2@mx.test>".utf8)
        // hmac_md5("geheim", "<1.2@mx.test>")
        for (digest, word) in [
            ("\(try digest("geheim", "<1.2@mx.test>"))", "yes anna"),
            (String(repeating: "0", count: 32), "no"),
        ] {
            let answer = CRAMAnswer(challenge: challenge, digest: Array(digest.utf8))
            try place.write(auth: "checkpassword cram=yes \(checker)\n")
            #expect(try place.sources().abilities == [.verify, .cramMD5])
            #expect(try place.sources().verify(Array("anna".utf8), answer).word == word)
            // Not asked at all where it does not.
            try place.write(auth: "checkpassword \(checker)\n")
            #expect(try place.sources().verify(Array("anna".utf8), answer).word == "no")
        }
    }

    private func digest(_ key: String, _ text: String) throws -> String {
        let program =
            "import hmac,sys; print(hmac.new(sys.argv[1].encode(), sys.argv[2].encode(), 'md5').hexdigest())"
        return try Tool("/usr/bin/python3", ["-c", program, key, text]).run().text.filter {
            $0 != "\n"
        }
    }

    @Test func `a program that accepts anybody is refused at start`() throws {
        // As with words in the wrong order: what would be run for who may log in is all that runs.
        for line in ["checkpassword /usr/bin/env", "checkpassword /bin/sh -c 'exit 0'"] {
            try place.write(auth: "\(line)\n")
            #expect(place.complaint().contains("accepts any login"), "\(place.complaint())")
        }
    }

    @Test func `descriptors of ours are not there`() throws {
        let checker = try program(
            """
            open("\(place.folder.file("fds"))", "w").write(repr(sorted(os.listdir("/proc/self/fd"))))
            sys.exit(1)
            """)
        try place.write(auth: "checkpassword probe=no \(checker)\n")
        let kept = try Files.open("/dev/null", O_RDONLY)
        #expect(try place.word("anna", "x") == "no")
        let text = String(decoding: try place.folder.read("fds"), as: UTF8.self)
        // Its own folder of descriptors is open while it looks, and the file that it writes.
        #expect(!text.contains("'\(kept.number)'") || kept.number <= 5, "\(text)")
    }
}
