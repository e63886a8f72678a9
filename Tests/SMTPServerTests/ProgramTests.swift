// Tests of smtp-server's start, exit codes, and of one session on descriptors 0 and 1.
// SPDX-License-Identifier: MIT

import Glibc
import MailModel
import TestSupport
import Testing

@Suite struct ProgramTests {
    private func root(_ control: [String: String]) throws -> TestFolder {
        let folder = try TestFolder()
        try folder.write("etc/filters.d/.keep", "")
        for (name, text) in control { try folder.write("etc/control/\(name)", text) }
        return folder
    }

    private static let wrong: [([String: String], [String], Int32, String)] = [
        ([:], ["--listen", "127.0.0.1:0"], 78, "control/me"),
        (["me": "x.test"], [], 78, "control/listen"),
        (["me": "x.test", "listen": "smtp\n"], [], 78, "control/listen:1"),
        (["me": "no name"], ["--listen", "smtps=127.0.0.1:0"], 78, "tls/no name.pem"),
        (
            ["me": "x.test", "../tls/x.test.pem": "nothing"], ["--listen", "127.0.0.1:0"], 78,
            "tls/x.test.pem: it holds no private key"
        ),
        (
            ["me": "x.test", "tlsserverciphers": "HIHG"], ["--listen", "127.0.0.1:0"], 78,
            "control/tlsserverciphers:1: HIHG"
        ),
        (
            ["me": "x.test", "tlsprotocols": "TLSv1.3\nTLSv1.1"], ["--listen", "127.0.0.1:0"], 78,
            "control/tlsprotocols:2: TLSv1.1"
        ),
        (
            ["me": "x.test", "clientca.pem": "x"], ["--listen", "127.0.0.1:0"], 78,
            "control/clientca.pem: it holds no certificate"
        ),
        (
            ["me": "x.test"], ["--listen", "127.0.0.1:0", "--client-certificates", "all"], 64,
            "--client-certificates all"
        ),
        (
            ["me": "x.test", "relayclients": "# x\nnope\n"], ["--listen", "127.0.0.1:0"], 78,
            "control/relayclients:2"
        ),
        (["me": "x.test"], ["--listen", "nowhere"], 64, "--listen nowhere"),
        (["me": "x.test"], ["--workers", "0-1"], 64, "--workers 0-1"),
        (["me": "x.test"], ["--listen", "192.0.2.1:25"], 71, "192.0.2.1:25"),
    ]

    @Test(arguments: wrong)
    func `what is wrong at the start is named on one line`(
        _ control: [String: String], _ options: [String], _ code: Int32, _ text: String
    ) throws {
        let folder = try root(control)
        let result = try Tool("smtp-server", ["--root", folder.path] + options).run()
        #expect(result.code == code)
        #expect(result.errors.contains(text), "\(result.errors)")
        #expect(result.errors.split(separator: "\n").count == 1)
    }

    @Test func `under tcpserver one session is on descriptors 0 and 1`() throws {
        let folder = try root(["me": "mx.example.test"])
        var tool = try Tool("smtp-server", ["--root", folder.path])
        tool.environment = [
            "TCPREMOTEIP": "::ffff:192.0.2.9", "TCPREMOTEHOST": "c.test", "RELAYCLIENT": ".x",
            "DATABYTES": "99",
        ]
        tool.input = .pipe
        tool.message = Array(
            "EHLO c\r\nMAIL FROM:<>\r\nRCPT TO:<a@elsewhere.test>\r\nQUIT\r\n".utf8)
        let result = try tool.run()
        #expect(result.code == 0)
        #expect(
            result.text.split(separator: "\r\n").filter { !$0.hasPrefix("250-") } == [
                "220 mx.example.test ESMTP", "250 HELP", "250 2.1.0 Reverse-path ok",
                "250 2.1.5 Recipient ok", "221 2.0.0 Bye",
            ])
        #expect(result.text.contains("250-mx.example.test Hello c [192.0.2.9]\r\n"))
        #expect(result.text.contains("250-SIZE 99\r\n"))
        #expect(result.errors.contains("recipient=a@elsewhere.test.x"))
    }

    @Test func `a client under tcpserver is told of trouble before it is in the log`() throws {
        let folder = try root([:])
        var tool = try Tool("smtp-server", ["--root", folder.path])
        tool.environment = ["TCPREMOTEIP": "192.0.2.9"]
        let result = try tool.run()
        #expect(result.code == 78)
        #expect(result.text == "421 4.3.0 Configuration trouble\r\n")
    }

    @Test func `a session on a regular file ends with it`() throws {
        let folder = try root(["me": "mx.example.test"])
        var tool = try Tool("smtp-server", ["--root", folder.path])
        tool.environment = ["TCPREMOTEIP": "192.0.2.9"]
        tool.message = Array("EHLO c\r\nMAIL FR".utf8)
        let result = try tool.run()
        #expect(result.code == 0)
        #expect(result.errors.contains("event=disconnect"))
    }
}
