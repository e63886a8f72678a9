// Tests of logins by the client's certificate, with a running auth-check.
// smtp-server(8), section TLS; auth-check(8); RFC 4422, appendix A.
// SPDX-License-Identifier: MIT

import MailModel
import TLS
import TestSupport
import Testing

@Suite struct CertificateLoginTests {
    /// What EHLO says of AUTH, and the user whom a certificate lets in without a word.
    private func login(
        _ server: AuthServer, _ pem: [UInt8]?, name: String?
    ) throws -> (isOffered: Bool, user: String?) {
        var settings = ClientSettings()
        settings.credential = try pem.map { try Credential(pem: $0) }
        let dialogue = try server.connect()
        #expect(try dialogue.say("STARTTLS")?.code == 220)
        try dialogue.startTLS(ClientContext(settings).server(named: name))
        let lines = try dialogue.say("EHLO c.test")?.lines ?? []
        let reply = try dialogue.say("AUTH EXTERNAL =")
        try dialogue.say("QUIT")
        let word = server.server.log("login").last?.split(separator: " ")
            .first { $0.hasPrefix("user=") }
        return (
            lines.contains { $0.hasPrefix("AUTH ") && $0.contains("EXTERNAL") },
            reply?.code == 235 ? word.map { String($0.dropFirst(5)) } : nil
        )
    }

    @Test
    func `an address that the authority vouches for goes before whatever the subject is called`()
        throws
    {
        let folder = try TestFolder()
        let certificates = try Certificates(in: folder)
        let authority = String(decoding: try certificates.authority(), as: UTF8.self)
        let server = try AuthServer(auth: "certificate\n", control: ["clientca.pem": authority])
        let both = try certificates.signed("boss@a.test", names: "email:anna@a.test")
        let subject = try certificates.signed("boss@a.test")
        let host = try certificates.signed("pc", names: "DNS:pc.a.test")
        let stranger = try SelfSigned.pem(for: "boss.a.test")
        // The name that the client calls us by chooses a certificate, and is checked the same.
        for name in ["mx.example.test", "other.test", nil] {
            #expect(try login(server, both, name: name) == (true, "anna@a.test"))
            #expect(try login(server, subject, name: name) == (true, "boss@a.test"))
            #expect(try login(server, host, name: name) == (true, "pc"))
            #expect(try login(server, stranger, name: name) == (false, nil))
            #expect(try login(server, nil, name: name) == (false, nil))
        }
    }
}
