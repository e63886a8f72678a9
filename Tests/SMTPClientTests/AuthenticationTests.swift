// Logins as a client. RFC 4954.
// SPDX-License-Identifier: MIT

import MailModel
import SMTPClient
import TestSupport
import Testing

@Suite struct AuthenticationTests {
    private let login: ClientLogin

    init() throws {
        login = try #require(
            ClientLogin(user: Array("alice".utf8), password: Array("secret".utf8)))
    }

    private func answer(
        _ server: SMTPStub, _ mechanism: any ClientMechanism
    ) throws -> AuthenticationAnswer? {
        var answer: AuthenticationAnswer?
        try withSession(server) { session in
            do { answer = try session.authenticate(mechanism) } catch {}
        }
        return answer
    }

    @Test func `PLAIN says all at once`() throws {
        let server = try SMTPStub()
        #expect(try answer(server, PlainMechanism(login)) == .accepted)
        #expect(server.commands.contains("AUTH PLAIN AGFsaWNlAHNlY3JldA=="))
    }

    @Test func `LOGIN is asked twice`() throws {
        let server = try SMTPStub { step, _ in
            switch step {
            case "AUTH LOGIN": .reply("334 VXNlcm5hbWU6")
            case "YWxpY2U=": .reply("334 UGFzc3dvcmQ6")
            case "c2VjcmV0": .reply("235 2.7.0 welcome")
            default: nil
            }
        }
        #expect(try answer(server, LoginMechanism(login)) == .accepted)
    }

    @Test(
        arguments: [
            ("535 5.7.8 no", true, "a wrong password"), ("454 4.7.0 later", true, "not now"),
            ("334 nonsense!", true, "no base64: cancelled, and 500 comes"),
            ("354 go on", false, "not of this world"), ("421 4.3.2 bye", false, "the end"),
        ])
    func `nothing but 235 is a yes`(
        _ reply: String, _ isAnswer: Bool, _ reason: String
    ) throws {
        let server = try SMTPStub { step, _ in step.hasPrefix("AUTH") ? .reply(reply) : nil }
        let answer = try answer(server, PlainMechanism(login))
        #expect(answer != .accepted)
        #expect((answer != nil) == isAnswer)
    }

    @Test(arguments: [("500", true), ("421", false), ("354", false)])
    func `a server that repeats what it was told does not bring a password into a report`(
        _ code: String, _ isAnswer: Bool
    ) throws {
        let server = try SMTPStub { step, _ in
            step.hasPrefix("AUTH") ? .reply("\(code) 5.5.1 unknown: \(step)") : nil
        }
        var said = ""
        try withSession(server) { session in
            do {
                said = "\(try session.authenticate(PlainMechanism(login)))"
            } catch {
                said = "\(error) \((error as? ClientError)?.reply.text ?? "")"
            }
        }
        #expect(said.contains(code))
        #expect(!said.contains("AGFsaWNl"))
    }

    @Test func `a server that asks without end is left`() throws {
        let server = try SMTPStub { step, _ in
            step.hasPrefix("AUTH") || step.hasPrefix("AGF") ? .reply("334 ") : nil
        }
        #expect(try answer(server, PlainMechanism(login)) == nil)
        #expect(server.commands.count < 12)
    }

    @Test(arguments: [("", "x"), ("x", ""), ("a\0b", "x"), ("x", "a\0b")])
    func `what PLAIN cannot say is no login`(_ user: String, _ password: String) {
        #expect(ClientLogin(user: Array(user.utf8), password: Array(password.utf8)) == nil)
    }
}
