// Tests of each mechanism through a running auth-check, with GNU SASL as the client.
// SPDX-License-Identifier: MIT

import AuthProtocol
import CGSASL
import MailModel
import SASLTestClient
import TestSupport
import Testing

@Suite struct MechanismTests {
    private static let passwordMechanisms = ["PLAIN", "LOGIN", "CRAM-MD5", "SCRAM-SHA-256"]

    /// Logs in to the end.
    private func login(
        _ check: TestAuthCheck, _ mechanism: String, _ name: String, _ password: String,
        _ more: [(Gsasl_property, String)] = [], _ change: (inout AuthQuestion) -> Void = { _ in }
    ) throws -> AuthReply {
        let client = SASLClient(
            mechanism, [(GSASL_AUTHID, name), (GSASL_PASSWORD, password)] + more)
        let speaksFirst = !["LOGIN", "CRAM-MD5"].contains(mechanism)
        let first = speaksFirst ? client.step([]) : nil
        let dialogue = try TestDialogue(check, mechanism, nil) { question in
            question.response = first
            change(&question)
        }
        var reply = try dialogue.answer()
        while case .challenge(let challenge) = reply {
            guard let said = client.step(challenge) else { break }
            reply = try dialogue.say(said)
        }
        return reply
    }

    @Test(arguments: passwordMechanisms)
    func `a password is right, wrong or nobody's, and the last two look the same`(
        mechanism: String
    ) throws {
        let check = try TestAuthCheck()
        guard case .accepted(let user, let final) = try login(check, mechanism, "anna", "pencil")
        else {
            Issue.record("refused")
            return
        }
        #expect(user == Array("anna".utf8))
        #expect((final != nil) == (mechanism == "SCRAM-SHA-256"))
        for (name, password) in [("anna", "pen"), ("nobody", "pencil")] {
            #expect(
                try login(check, mechanism, name, password)
                    == .refused(.credentials, login: Array(name.utf8)))
        }
    }

    @Test func `SCRAM binds to the TLS session, and notices that it is another or was hidden`()
        throws
    {
        let check = try TestAuthCheck()
        let ours = [(GSASL_CB_TLS_EXPORTER, "b3Vycw==")]
        let bound = { (question: inout AuthQuestion) in
            question.tlsExporter = Array("ours".utf8)
        }
        let other = { (question: inout AuthQuestion) in
            question.tlsExporter = Array("other".utf8)
        }
        let plus = "SCRAM-SHA-256-PLUS"
        guard case .accepted = try login(check, plus, "anna", "pencil", ours, bound) else {
            Issue.record("refused")
            return
        }
        guard case .refused = try login(check, plus, "anna", "pencil", ours, other) else {
            Issue.record("accepted")
            return
        }
        // A client that could bind says `y` without PLUS.
        let hidden = try TestDialogue(check, "SCRAM-SHA-256", "y,,n=anna,r=nonce") {
            bound(&$0)
        }
        #expect(try hidden.answer() == .refused(.downgrade))
        let never = try TestDialogue(check, "SCRAM-SHA-256", "y,,n=anna,r=nonce")
        guard case .challenge = try never.answer() else {
            Issue.record("refused")
            return
        }
    }

    @Test(arguments: ["PLAIN", "SCRAM-SHA-256"])
    func `a refused login is told as it is compared, however it was written`(
        mechanism: String
    ) throws {
        let check = try TestAuthCheck()
        for name in ["an\u{AD}na", "\u{FF41}nna"] {
            #expect(
                try login(check, mechanism, name, "pen")
                    == .refused(.credentials, login: Array("anna".utf8)))
        }
    }

    @Test func `nobody learns by SCRAM's salt who is there`() throws {
        let check = try TestAuthCheck()
        var salts: [[UInt8]] = []
        for name in ["nobody", "nobody", "anna", "anna", "otto"] {
            let dialogue = try TestDialogue(check, "SCRAM-SHA-256", "n,,n=\(name),r=nonce")
            guard case .challenge(let challenge) = try dialogue.answer() else {
                Issue.record("no challenge for \(name)")
                return
            }
            let fields = challenge.split(separator: 0x2C)
            #expect(fields.count == 3 && fields[2].elementsEqual("i=4096".utf8))
            salts.append(Array(fields[1]))
        }
        #expect(salts[0] == salts[1] && salts[2] == salts[3])
        #expect(Set(salts).count == 3)
        #expect(Set(salts.map(\.count)).count == 1)
    }

    @Test(arguments: [
        ("PLAIN", "\0anna\0pencil", "anna"), ("PLAIN", "anna\0anna\0pencil", "anna"),
        ("PLAIN", "otto\0anna\0pencil", nil), ("LOGIN", "anna", "anna"),
    ])
    func `an identity beside the login is the login or refused`(
        mechanism: String, said: String, user: String?
    ) throws {
        let check = try TestAuthCheck()
        let dialogue = try TestDialogue(check, mechanism, said)
        var reply = try dialogue.answer()
        if case .challenge = reply { reply = try dialogue.say("pencil") }
        let expected: AuthReply =
            user.map { .accepted(user: Array($0.utf8), final: nil) }
            ?? .refused(.authorization, login: Array("anna".utf8))
        #expect(reply == expected)
    }

    @Test func `what no source can serve is neither listed nor taken`() throws {
        let check = try TestAuthCheck(auth: "users FILE")
        #expect(
            try check.client.mechanisms(deadline: .after(.seconds(30)))
                == [.scramSHA256Plus, .scramSHA256, .plain, .login])
        for mechanism in ["CRAM-MD5", "OAUTHBEARER", "EXTERNAL", "GSSAPI", ""] {
            #expect(
                try TestDialogue(check, mechanism, nil).answer() == .refused(.mechanism))
        }
    }

    @Test func `a certificate's names are users, the first where none is asked for`() throws {
        let check = try TestAuthCheck(auth: "certificate")
        #expect(try check.client.mechanisms(deadline: .after(.seconds(30))) == [.external])
        for (said, user) in [("", "anna@a.test"), ("b@a.test", "b@a.test"), ("c@a.test", nil)] {
            let dialogue = try TestDialogue(check, "EXTERNAL", said) { question in
                question.identities = [Array("anna@a.test".utf8), Array("b@a.test".utf8)]
            }
            let reply = try dialogue.answer()
            guard let user else {
                guard case .refused = reply else {
                    Issue.record("accepted")
                    return
                }
                continue
            }
            #expect(reply == .accepted(user: Array(user.utf8), final: nil))
        }
        guard case .refused = try TestDialogue(check, "EXTERNAL", "").answer() else {
            Issue.record("accepted without a certificate")
            return
        }
    }

    @Test func `an empty answer to OAUTHBEARER asks for the token`() throws {
        let check = try TestAuthCheck(auth: "oauth /bin/false")
        let dialogue = try TestDialogue(check, "OAUTHBEARER", "")
        #expect(try dialogue.answer() == .challenge([]))
        #expect(try dialogue.say("nonsense") == .refused(.malformed))
        // Once: who never gives one does not go round until his time is over.
        let silent = try TestDialogue(check, "OAUTHBEARER", nil)
        #expect(try silent.answer() == .challenge([]))
        #expect(try silent.say("") == .refused(.malformed))
    }

    @Test func `a program decides about tokens, which nobody else sees`() throws {
        let tools = try TestFolder()
        let program = try TestAuthCheck.script(
            """
            token=$(cat <&3)
            tr '\\0' ' ' </proc/$$/cmdline >>\(tools.file("seen"))
            env >>\(tools.file("seen"))
            case "$token" in
            s3cret) echo anna; echo more ;;
            wrong) exit 1 ;;
            nameless) exit 0 ;;
            slow) exec sleep 60 ;;
            much) exec yes much ;;
            *) exit 111 ;;
            esac
            """, in: tools)
        let check = try TestAuthCheck(auth: "oauth timeout=1s \(program) word")
        let error = AuthReply.challenge(Array("{\"status\":\"invalid_token\"}".utf8))
        func say(_ token: String, as name: String = "") throws -> TestDialogue {
            try TestDialogue(
                check, "OAUTHBEARER",
                "n,\(name),\u{1}host=mx.test\u{1}auth=Bearer \(token)\u{1}\u{1}")
        }
        let anna = AuthReply.accepted(user: Array("anna".utf8), final: nil)
        #expect(try say("s3cret").answer() == anna)
        #expect(try say("s3cret", as: "a=anna").answer() == anna)
        for (token, name) in [("wrong", ""), ("wrong", "a=anna"), ("s3cret", "a=otto")] {
            let dialogue = try say(token, as: name)
            #expect(try dialogue.answer() == error)
            guard case .refused(.credentials, _) = try dialogue.say("\u{1}") else {
                Issue.record("not refused")
                return
            }
        }
        for token in ["nameless", "odd", "slow", "much"] {
            guard case .unavailable = try say(token).answer() else {
                Issue.record("\(token): known")
                return
            }
        }
        let seen = String(decoding: try tools.read("seen"), as: UTF8.self)
        #expect(seen.contains("OAUTH_LOGIN=anna") && seen.contains("TCPREMOTEIP=192.0.2.1"))
        #expect(!seen.contains("s3cret"))
        #expect(!check.service.log.contains("s3cret"))
    }
}
