import MailModel
import Passwords
import Testing

@Suite struct StoredPasswordTests {
    /// All are of `secret`, and made by other programs: Python's crypt and hashlib, doveadm pw.
    @Test(arguments: [
        "$6$saltsalt$TVLlQcbpFVof5W3Yz4DTP6gRstiNuHwwTt6GLc1E5n0U0aDehy0S5knV8wiOQSpT0Y77vwPZN.Pq.H91p5hVO1",
        "{PLAIN}secret", "{plain}secret", "{CLEARTEXT}secret", "{CLEAR}secret",
        "{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=",
        "{SHA256}K7gNU3sdo+OL0wNhqoVWhr3g6s1xYv72ol/pe/Unols=",
        "{PLAIN-MD5}5ebe2294ecd0e0f08eab7690d2a6ee69",
        "{SSHA}6pOy35BreVbHxTaYY7+u95cwbhPXBJIl",
        "{SSHA256}rbGFyB2HS7HweFKUcST79y73Pbx4nOU/3rXVSiKbV1KldfMJ",
        "$y$j75$abcdefghijklmnop$vZlXu1XtxOBWRxjOpQqONp1WYfMO0dN.H4xeSMU2ZvC",
        "{CRYPT}$y$j75$abcdefghijklmnop$vZlXu1XtxOBWRxjOpQqONp1WYfMO0dN.H4xeSMU2ZvC",
        "{BLF-CRYPT}$2y$04$abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW",
        "$1$abcdefgh$cHJi5PXp/ki/ktXzqlk6I1",
    ])
    func `a password fits what is stored of it, and no other does`(text: String) throws {
        let stored = try StoredPassword(Array(text.utf8))
        #expect(try stored.matches(Array("secret".utf8)))
        for wrong in ["Secret", "secret ", "secre", "", text] {
            #expect(try !stored.matches(Array(wrong.utf8)), "\(wrong)")
        }
        #expect(try !stored.matches(Array("secret\0x".utf8)))
    }

    @Test(arguments: ["", "!", "!$y$x", "*", "{CRYPT}", "{CRYPT}!", "{CRYPT}*", "{PLAIN}"])
    func `what is locked fits nothing`(text: String) throws {
        let stored = try StoredPassword(Array(text.utf8))
        #expect(stored == .locked)
        for password in ["", "!", "*", text] {
            #expect(try !stored.matches(Array(password.utf8)))
        }
    }

    /// Never a refusal: nobody knows whether the password is right.
    @Test(arguments: [
        "{NTLM}abc", "{SHA256}short", "{SHA}???", "plain", "{CRYPT}plain", "{SSHA}aaaa",
        "{SCRAM-SHA-256}1,2,3",
        "{PLAIN-MD5}xyz", "{SHA.HEX}00",
    ])
    func `a scheme that is not known is an error`(text: String) {
        #expect(throws: PasswordError.self) { try StoredPassword(Array(text.utf8)) }
    }

    @Test(arguments: ["$9$abc$def", "$y$", "$", "?:?:?:?:?:?:?"])
    func `a hash of no known method is an error`(text: String) throws {
        let stored = try StoredPassword(Array(text.utf8))
        #expect(throws: PasswordError.self) { try stored.matches(Array("secret".utf8)) }
    }

    /// RFC 7677, section 3, as PostgreSQL's tests have it.
    @Test func `a verifier is the one of the RFC`() throws {
        let text =
            "4096,W22ZaJ0SNY7soEsUEjb6gQ==,WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=,"
            + "wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU="
        let verifier = try #require(SCRAMVerifier(Array(text.utf8)))
        #expect(verifier.text == Array(text.utf8))
        let made = try SCRAMVerifier(
            of: Array("pencil".utf8), salt: verifier.salt, iterations: verifier.iterations)
        #expect(made == verifier)
        let stored = try StoredPassword(Array("{SCRAM-SHA-256}\(text)".utf8))
        #expect(try stored.matches(Array("pencil".utf8)))
        #expect(try !stored.matches(Array("pencils".utf8)))
    }

    @Test(arguments: [
        "", "0,W22ZaJ0SNY7soEsUEjb6gQ==,x,y", "4096,,a,b", "99999999999999999999,AA==,AA==,AA==",
        "4096,W22ZaJ0SNY7soEsUEjb6gQ==,AAAA,AAAA", "-1,AA==,AA==,AA==",
    ])
    func `what is no verifier is none`(text: String) {
        #expect(SCRAMVerifier(Array(text.utf8)) == nil)
    }

    @Test(arguments: HashMethod.all)
    func `a new hash fits its password alone`(method: HashMethod) throws {
        let cost = method == .yescrypt ? 1 : method.costs.lowerBound
        let hash = try CryptHash.make(of: Array("pa:ss wörd".utf8), method, cost: cost)
        #expect(hash.starts(with: method.prefix.utf8))
        #expect(try CryptHash.matches(Array("pa:ss wörd".utf8), hash))
        #expect(try !CryptHash.matches(Array("pa:ss word".utf8), hash))
        #expect(try CryptHash.make(of: Array("pa:ss wörd".utf8), method, cost: cost) != hash)
    }

    @Test func `bcrypt is not given more than it looks at`() {
        let long = [UInt8](repeating: 0x61, count: 73)
        #expect(throws: PasswordError.self) { try CryptHash.make(of: long, .bcrypt, cost: 4) }
    }

    /// RFC 4013, sections 2.1 and 2.2, and what comes of both forms of one letter.
    @Test(arguments: [
        ("I\u{00AD}X", "IX"), ("user", "user"), ("\u{00AA}", "a"), ("\u{2168}", "IX"),
        ("a\u{00A0}b", "a b"), ("u\u{0308}", "\u{00FC}"),
    ])
    func `a password is prepared`(text: String, prepared: String) {
        #expect(PreparedPassword.of(Array(text.utf8)) == Array(prepared.utf8))
    }

    @Test(arguments: ["\u{0007}", "\u{0627}\u{0031}", "a\u{0}b", ""])
    func `what RFC 4013 prohibits is not stored`(text: String) {
        #expect(throws: PasswordError.self) { try NewPassword().stored(Array(text.utf8)) }
    }

    @Test func `a prepared password fits in either form`() throws {
        let stored = try NewPassword(.sha512, cost: 1000).stored(Array("gru\u{0308}n".utf8))
        let password = try StoredPassword(stored.hash)
        #expect(try password.matches(Array("gru\u{0308}n".utf8)))
        #expect(try password.matches(Array("gr\u{00FC}n".utf8)))
        #expect(try !password.matches(Array("grun".utf8)))
        #expect(try stored.verifier?.matches(Array("gru\u{0308}n".utf8)) == true)
    }
}
