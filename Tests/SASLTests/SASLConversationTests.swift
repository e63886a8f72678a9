import CGSASL
import MailModel
import SASLTestClient
import Testing

@testable import SASL

/// One user with one password, and a note of what was asked.
private final class OneUser: SASLAuthority {
    var binding: ChannelBinding?
    var certified: [UInt8] = []
    var asked: [String] = []
    let name: String
    let password: String

    init(_ name: String = "anna", _ password: String = "pencil") {
        self.name = name
        self.password = password
    }

    private func knows(_ login: [UInt8]) -> Bool { login == Array(name.utf8) }

    func verifies(_ login: [UInt8], password: [UInt8]) -> Bool {
        asked.append("verify")
        return knows(login) && password == Array(self.password.utf8)
    }

    func verifies(_ login: [UInt8], digest: [UInt8], of challenge: [UInt8]) -> Bool {
        asked.append("digest")
        let client = SASLClient("CRAM-MD5", [(GSASL_AUTHID, name), (GSASL_PASSWORD, password)])
        return client.step(challenge) == login + [0x20] + digest && knows(login)
    }

    func scramKeys(of login: [UInt8]) -> SCRAMKeys? {
        asked.append("scram")
        let secret = knows(login) ? Array(password.utf8) : Array("nobody knows".utf8)
        return SCRAMKeys(of: secret, salt: Array("saltsalt".utf8), iterations: 4096)
    }

    func certifies(_ identity: [UInt8]) -> Bool {
        !certified.isEmpty && (identity.isEmpty || identity == certified)
    }
}

private func login(
    _ mechanism: String, _ user: OneUser, _ properties: [(Gsasl_property, String)]
) throws -> (step: SASLStep, login: String?) {
    let library = try SASLLibrary()
    let server = try SASLConversation(mechanism, library, user)
    let client = SASLClient(mechanism, properties)
    let speaksFirst = !["CRAM-MD5", "LOGIN"].contains(mechanism)
    var said: [UInt8]? = speaksFirst ? client.step([]) : nil
    for _ in 0..<6 {
        let step = server.step(said)
        guard case .challenge(let challenge) = step else {
            if case .accepted(let final?) = step {
                // The client checks that the server knew its password.
                #expect(client.step(final) != nil)
            }
            return (step, server.login.map { String(decoding: $0, as: UTF8.self) })
        }
        said = client.step(challenge)
        guard said != nil else { break }
    }
    return (.refused(.malformed), nil)
}

private let exporter = "ZXhwb3J0ZWQga2V5aW5nIG1hdGVyaWFs"
private let anna = [(GSASL_AUTHID, "anna"), (GSASL_PASSWORD, "pencil")]

@Suite struct SASLConversationTests {
    @Test(arguments: ["PLAIN", "LOGIN", "CRAM-MD5", "SCRAM-SHA-256"])
    func `the right password is accepted, and the login known`(mechanism: String) throws {
        let (step, name) = try login(mechanism, OneUser(), anna)
        guard case .accepted = step else {
            Issue.record("\(step)")
            return
        }
        #expect(name == "anna")
    }

    @Test(
        arguments: ["PLAIN", "LOGIN", "CRAM-MD5", "SCRAM-SHA-256"],
        [("anna", "pencils"), ("otto", "pencil"), ("anna ", "pencil"), ("ANNA", "pencil")])
    func `anything else is refused in one way`(mechanism: String, pair: (String, String)) throws {
        let properties = [(GSASL_AUTHID, pair.0), (GSASL_PASSWORD, pair.1)]
        #expect(try login(mechanism, OneUser(), properties).step == .refused(.credentials))
    }

    @Test func `a SCRAM client that is bound to the same TLS session is accepted`() throws {
        let user = OneUser()
        user.binding = ChannelBinding(exporter: Array("exported keying material".utf8))
        let step = try login(
            "SCRAM-SHA-256-PLUS", user, anna + [(GSASL_CB_TLS_EXPORTER, exporter)]
        ).step
        guard case .accepted(final: .some) = step else {
            Issue.record("\(step)")
            return
        }
    }

    @Test func `one that is bound to another TLS session is not`() throws {
        let user = OneUser()
        user.binding = ChannelBinding(exporter: Array("another keying material!".utf8))
        let step = try login(
            "SCRAM-SHA-256-PLUS", user, anna + [(GSASL_CB_TLS_EXPORTER, exporter)]
        ).step
        #expect(step == .refused(.credentials))
    }

    @Test func `a binding of a kind that we do not have is refused`() throws {
        let user = OneUser()
        user.binding = ChannelBinding(exporter: [1, 2, 3])
        let library = try SASLLibrary()
        let server = try SASLConversation("SCRAM-SHA-256-PLUS", library, user)
        let said = Array("p=tls-unique,,n=anna,r=nonce".utf8)
        #expect(server.step(said) == .refused(.binding))
    }

    @Test func `y where PLUS was offered is a downgrade, and fine where it was not`() throws {
        let said = Array("y,,n=anna,r=nonce".utf8)
        let library = try SASLLibrary()
        let user = OneUser()
        guard case .challenge = try SASLConversation("SCRAM-SHA-256", library, user).step(said)
        else {
            Issue.record("no challenge")
            return
        }
        user.binding = ChannelBinding(exporter: [1, 2, 3])
        let server = try SASLConversation("SCRAM-SHA-256", library, user)
        #expect(server.step(said) == .refused(.downgrade))
        let plus = try SASLConversation("SCRAM-SHA-256-PLUS", library, user)
        #expect(plus.step(said) == .refused(.credentials))
    }

    @Test func `p without PLUS is refused before anybody is asked`() throws {
        let user = OneUser()
        let library = try SASLLibrary()
        let server = try SASLConversation("SCRAM-SHA-256", library, user)
        #expect(server.step(Array("p=tls-exporter,,n=anna,r=x".utf8)) == .refused(.malformed))
        #expect(user.asked.isEmpty)
    }

    @Test func `SCRAM and PLAIN tell whom a client wants to act as`() throws {
        let library = try SASLLibrary()
        let scram = try SASLConversation("SCRAM-SHA-256", library, OneUser())
        _ = scram.step(Array("n,a=otto,n=anna,r=nonce".utf8))
        #expect(scram.login == Array("anna".utf8))
        #expect(scram.authorization == Array("otto".utf8))
        let plain = try SASLConversation("PLAIN", library, OneUser())
        #expect(plain.step(Array("otto\0anna\0pencil".utf8)) == .accepted(final: nil))
        #expect(plain.authorization == Array("otto".utf8))
    }

    @Test func `a SCRAM name may have a comma and an equals sign`() throws {
        let user = OneUser("a,b=c", "pencil")
        let properties = [(GSASL_AUTHID, "a,b=c"), (GSASL_PASSWORD, "pencil")]
        guard case .accepted = try login("SCRAM-SHA-256", user, properties).step else {
            Issue.record("refused")
            return
        }
    }

    @Test(arguments: [
        ("PLAIN", "anna"), ("PLAIN", "anna\0pencil"), ("PLAIN", "\0anna\0pen\0cil"),
        ("PLAIN", "\0\0\0"), ("LOGIN", "an\0na"), ("SCRAM-SHA-256", "n,,n=an\0na,r=nonce"),
        ("SCRAM-SHA-256", "n,,n=,r=nonce"), ("SCRAM-SHA-256", ""), ("SCRAM-SHA-256", "x"),
        ("CRAM-MD5", "anna 0123456789abcdef0123456789abcdef"), ("EXTERNAL", "an\0na"),
    ])
    func `what is not of the form is never accepted`(mechanism: String, said: String) throws {
        let user = OneUser()
        user.certified = Array("an".utf8)
        let library = try SASLLibrary()
        let server = try SASLConversation(mechanism, library, user)
        switch server.step(Array(said.utf8)) {
        case .refused: break
        // SCRAM asks again where nothing was said.
        case .challenge(let bytes): #expect(bytes.isEmpty && said.isEmpty)
        case let other: Issue.record("\(other)")
        }
    }

    @Test func `LOGIN takes the login with AUTH, as many clients give it`() throws {
        let library = try SASLLibrary()
        let server = try SASLConversation("LOGIN", library, OneUser())
        #expect(server.step(Array("anna".utf8)) == .challenge(Array("Password:".utf8)))
        #expect(server.step(Array("pencil".utf8)) == .accepted(final: nil))
    }

    @Test func `LOGIN asks in the words that clients know`() throws {
        let library = try SASLLibrary()
        let server = try SASLConversation("LOGIN", library, OneUser())
        #expect(server.step(nil) == .challenge(Array("Username:".utf8)))
        #expect(server.step(Array("anna".utf8)) == .challenge(Array("Password:".utf8)))
        #expect(server.step([]) == .refused(.malformed))
    }

    @Test func `CRAM-MD5 gives one challenge, whatever the client says`() throws {
        let library = try SASLLibrary()
        let server = try SASLConversation("CRAM-MD5", library, OneUser())
        guard case .challenge(let challenge) = server.step(nil) else {
            Issue.record("no challenge")
            return
        }
        #expect(challenge.first == 0x3C && challenge.last == 0x3E)
        #expect(server.step([]) == .refused(.malformed))
    }

    @Test func `EXTERNAL asks for nothing but the identity`() throws {
        let user = OneUser()
        user.certified = Array("anna@example.org".utf8)
        let library = try SASLLibrary()
        for (said, step) in [
            ("", SASLStep.accepted(final: nil)), ("anna@example.org", .accepted(final: nil)),
            ("otto@example.org", .refused(.credentials)),
        ] {
            let server = try SASLConversation("EXTERNAL", library, user)
            #expect(server.step(Array(said.utf8)) == step)
        }
        user.certified = []
        let server = try SASLConversation("EXTERNAL", library, user)
        #expect(server.step([]) == .refused(.credentials))
    }

    @Test func `SASLprep makes one of two spellings, and refuses what is no text`() {
        #expect(SASLLibrary.prepared(Array("\u{2168}".utf8)) == Array("IX".utf8))
        #expect(SASLLibrary.prepared(Array("I\u{00AD}X".utf8)) == Array("IX".utf8))
        #expect(SASLLibrary.prepared([0x61, 0xFF]) == nil)
        #expect(SASLLibrary.prepared([0x61, 0x07]) == nil)
        #expect(SASLLibrary.prepared([0x61, 0x00, 0x62]) == nil)
        // Unicode 3.2 had no such letter.
        #expect(SASLLibrary.prepared(Array("\u{0221}".utf8)) == nil)
    }
}

extension SCRAMKeys {
    /// The keys of a password, as the library makes them.
    fileprivate init?(of password: [UInt8], salt: [UInt8], iterations: UInt32) {
        let secret = password.map { CChar(bitPattern: $0) } + [0]
        let signedSalt = salt.map { CChar(bitPattern: $0) }
        var salted = [CChar](repeating: 0, count: gsasl_hash_length(GSASL_HASH_SHA256))
        var (client, server, stored) = (salted, salted, salted)
        let code = gsasl_scram_secrets_from_password(
            GSASL_HASH_SHA256, secret, iterations, signedSalt, salt.count, &salted, &client,
            &server, &stored)
        guard code == GSASL_OK.rawValue else { return nil }
        self.init(
            salt: salt, iterations: Int(iterations),
            storedKey: stored.map { UInt8(bitPattern: $0) },
            serverKey: server.map { UInt8(bitPattern: $0) })
    }
}
