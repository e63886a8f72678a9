import Credentials
import TestSupport
import Testing

/// Lines of control/auth, and what sources in a row say together.
@Suite struct CredentialSourcesTests {
    @Test(arguments: [
        ("nonsense", "1: no such kind of source; a line is one of users [FILE], checkpassword"),
        ("# x\n\nuser", "3: no such kind of source; did you mean users?"),
        ("users relative", "1: FILE is a path that begins with /"),
        ("users /a /b", "1: more than one FILE"), ("users clear=maybe", "1: clear= is yes or no"),
        ("users claer=yes", "1: no option claer=; did you mean clear=?"),
        ("users clear=yes clear=yes", "1: clear= is given twice"),
        ("users clear=", "1: clear= needs a value"),
        ("users \"/a", "1: a quote has no end"), ("users /none/users", "open /none/users: No such"),
        ("checkpassword", "1: PROGRAM is missing"),
        ("checkpassword /none/checker", "1: /none/checker cannot be run"),
        ("checkpassword timeout=1h /usr/bin/false", "1: timeout= is a duration from 10ms to 5m"),
        ("checkpassword /usr/bin/true", "1: /usr/bin/true accepts any login"),
        ("vpopmail /none", "/none: Not a directory"), ("vmailmgr /none", "/none"),
        ("sqlite", "1: FILE is missing"), ("sqlite /none/db", "1: QUERY is missing"),
        ("sqlite /none/db SELECT 1", "1: sqlite:/none/db: no such file"),
        ("postgresql", "1: CONNINFO is missing"),
        ("postgresql host=/none dbname=x", "1: no option host=; there may be timeout=, clear="),
        ("postgresql 'host=/none dbname=x'", "1: QUERY is missing"),
        ("postgresql 'nonsense=1' SELECT 1", "1: CONNINFO: "),
        ("postgresql 'host=/none' SELECT :nobody", "no parameter :nobody"),
        ("dovecot", "1: SOCKET is missing"), ("dovecot relative", "1: SOCKET is a path"),
    ])
    func `what cannot be right is refused with file and line`(text: String, reason: String) throws {
        let place = try Installation(auth: "\(text)\n")
        let complaint = place.complaint()
        #expect(complaint.contains(reason), "\(complaint)")
        if reason.first?.isNumber ?? false {
            #expect(
                complaint.hasPrefix("\(place.folder.file("etc/control/auth")):\(reason.first!)"))
        }
    }

    @Test func `a password in control/auth must not be readable for others`() throws {
        let place = try Installation()
        for connection in ["'host=/none password=secret'", "postgresql://u:secret@h/db"] {
            let text = "postgresql \(connection) SELECT 1\n"
            try place.folder.write("etc/control/auth", text, mode: 0o644)
            #expect(place.complaint().contains("auth:1: there is a password in it"))
            #expect(!place.complaint().contains("secret"))
            try place.folder.write("etc/control/auth", text, mode: 0o640)
            #expect(place.complaint() == "")
        }
    }

    @Test func `the first source that knows a login decides`() throws {
        let place = try Installation()
        let one = try place.folder.write("one", "anna:{PLAIN}one\nbert:!\n", mode: 0o600)
        let two = try place.folder.write(
            "two", "anna:{PLAIN}two\nbert:{PLAIN}two\ncarl:{PLAIN}two\n")
        try place.write(auth: "users \(one)\nusers clear=yes \(two)\n")
        let sources = try place.sources()
        #expect(sources.labels == ["users:\(one)", "users:\(two)"])
        for (login, password, word) in [
            ("anna", "one", "yes anna"), ("anna", "two", "no"), ("bert", "two", "no"),
            ("carl", "two", "yes carl"), ("dora", "two", "no"), ("anna", "", "no"),
            ("carl", String(repeating: "x", count: 600), "no"),
            (String(repeating: "x", count: 300), "two", "no"),
        ] {
            #expect(sources.word(login, password) == word, "\(login)")
        }
        // What one has in clear is no word for the other.
        #expect(sources.scram("anna") == "anna" && sources.scram("bert") == "refused")
        #expect(sources.scram("dora") == "unknown")
    }

    @Test func `a source that cannot say ends the search, whatever later ones would say`() throws {
        let place = try Installation()
        let first = try place.folder.write("first", "anna:{PLAIN}x\n", mode: 0o600)
        let last = try place.folder.write("last", "bert:{PLAIN}x\n", mode: 0o600)
        let socket = place.folder.file("nobody-listens")
        try place.write(auth: "users \(first)\ndovecot \(socket)\nusers clear=yes \(last)\n")
        let sources = try place.sources()
        #expect(sources.word("anna", "x") == "yes anna")
        #expect(sources.word("bert", "x") == "unavailable")
        #expect(sources.word("carl", "x") == "unavailable")
    }

    /// Whom it has locked out must not come in by a mechanism that it does not have.
    @Test(arguments: ["dovecot SOCKET", "checkpassword probe=no /bin/false"])
    func `nobody behind a source that never says unknown is asked for passwords`(
        line: String
    ) throws {
        let place = try Installation()
        let first = try place.folder.write("first", "anna:{PLAIN}x\n", mode: 0o600)
        let last = try place.folder.write("last", "bert:{PLAIN}x\n", mode: 0o600)
        let line = line.replacing("SOCKET", with: place.folder.file("nobody-listens"))
        let before = "users clear=yes \(first)\n"
        let behind = "users clear=yes \(last)\noauth /bin/false\ncertificate\n"
        try place.write(auth: before + line + "\n" + behind)
        let sources = try place.sources()
        #expect(sources.abilities == [.verify, .scram, .clearText, .token, .certificate])
        #expect(sources.scram("anna") == "anna" && sources.scram("bert") == "refused")
        let answer = CRAMAnswer(
            challenge: Array("<1@x>".utf8),
            digest: Array("678a1ad7dc3ec2c974482de437127635".utf8))
        #expect(sources.verify(Array("bert".utf8), answer).word == "no")
        try place.write(auth: line + "\n" + behind)
        #expect(try place.sources().abilities == [.verify, .token, .certificate])
    }

    @Test func `CRAM-MD5 is for all users or for none`() throws {
        let place = try Installation()
        let hashed = try place.folder.write("hashed", "anna:{PLAIN}x\n", mode: 0o600)
        let clear = try place.folder.write("clear", "bert:{PLAIN}x\n", mode: 0o600)
        for (lines, isOffered) in [
            ("users clear=yes \(clear)", true),
            ("users \(hashed)\nusers clear=yes \(clear)", false),
            ("users clear=yes \(clear)\ncertificate\noauth /bin/false", true),
            ("users clear=yes \(clear)\ncheckpassword probe=no /bin/false", false),
            ("users clear=yes \(clear)\ncheckpassword probe=no cram=yes /bin/false", true),
        ] {
            try place.write(auth: lines + "\n")
            #expect(try place.sources().abilities.contains(.cramMD5) == isOffered, "\(lines)")
        }
    }

    @Test func `an empty list of sources can do nothing`() throws {
        let place = try Installation(auth: "# none\n")
        try place.write(users: "anna:{PLAIN}x\n")
        #expect(try place.sources().abilities == [])
        #expect(try place.word("anna", "x") == "no")
    }
}
