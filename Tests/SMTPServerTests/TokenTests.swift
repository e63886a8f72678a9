// Tests of logins by a token that is refused, whatever the client says to that.
// smtp-server(8), section Authentication; RFC 7628, section 3.2.3.
// SPDX-License-Identifier: MIT

import MailModel
import TestSupport
import Testing

@Suite struct TokenTests {
    private static let login =
        "AUTH OAUTHBEARER "
        + String(
            decoding: Base64.encode(Array("n,a=anna,\u{1}auth=Bearer bad\u{1}\u{1}".utf8)),
            as: UTF8.self)

    private func server(_ folder: TestFolder) throws -> AuthServer {
        let program = try folder.write("token.sh", "#!/bin/sh\nexit 1\n", mode: 0o700)
        return try AuthServer(auth: "oauth \(program)\n")
    }

    private func refusals(_ server: AuthServer) -> [String] {
        server.server.log("login-refused").filter {
            $0.hasSuffix("login=anna mechanism=OAUTHBEARER reason=credentials")
        }
    }

    @Test func `a client that leaves after the error was refused`() throws {
        let folder = try TestFolder()
        let server = try server(folder)
        do {
            let client = try server.connect()
            #expect(try client.say(Self.login)?.code == 334)
        }
        #expect(eventually { server.server.log("disconnect").count == 1 })
        #expect(refusals(server).count == 1)
    }

    @Test func `to cancel is no way around the count`() throws {
        let folder = try TestFolder()
        let server = try server(folder)
        let client = try server.connect()
        for (answer, code) in [("*", 501), ("AQ==", 535), ("*", 421)] {
            #expect(try client.say(Self.login)?.code == 334)
            #expect(try client.say(answer)?.code == UInt16(code), "\(answer)")
        }
        #expect(try client.reply() == nil)
        #expect(refusals(server).count == 3)
        // A login that was begun and not refused is none.
        let other = try server.connect()
        #expect(try other.say("AUTH OAUTHBEARER")?.code == 334)
        #expect(try other.say("*")?.code == 501)
        try other.say("QUIT")
        #expect(refusals(server).count == 3)
    }
}
