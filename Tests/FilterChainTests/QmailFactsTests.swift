// Tests of what filter-chain knows of the client of each qmail, and of what it passes on.
// tcp-environ(5), filters(7).
// SPDX-License-Identifier: MIT

import Glibc
import MailModel
import TestSupport
import Testing
import UnixIO

@Suite struct QmailFactsTests {
    private let host: QmailHost
    private static let smtpd = QmailClient.all.map { QmailCall(client: $0, caller: .smtpd) }
    private static let others = QmailCall.all.filter { $0.caller != .smtpd }

    init() throws { host = try QmailHost() }

    /// A message as qmail-smtpd passes it on. received.c.
    private static let trace = Array(
        """
        Received: from client.a.test (HELO client.a.test) (192.0.2.1)
          by mx.b.test with SMTP; 27 Nov 2026 01:02:03 -0000
        Subject: x

        hello

        """.utf8)

    private func variables(_ name: String) -> Set<String> {
        Set((host.root.text(name) ?? "").split(separator: "\n").map(String.init))
    }

    @Test(arguments: smtpd)
    func `a step knows the client's address, name, greeting and login`(call: QmailCall) throws {
        try host.root.drop("10-a", "env >\(host.root.folder.file("env"))")
        try host.root.folder.write(
            "rules",
            """
            client !/^192\\.0\\.2\\.1$/ reject
            helo !/^client\\.a\\.test$/ reject
            client-name !/^client\\.a\\.test$/ reject

            """)
        try host.root.step(
            "20-b", "run regex-filter --rules \(host.root.folder.file("rules"))\nworkers 0\n")
        #expect(try host.send(try host.session(call), Self.trace) == "")
        let found = variables("env")
        let address = call.client.smtpd["TCPREMOTEIP"] ?? "192.0.2.1"
        let expected: Set = [
            "TCPREMOTEIP=\(address)", "TCPREMOTEHOST=client.a.test", "TCPREMOTEPORT=40000",
            "TCPLOCALIP=192.0.2.25", "SMTPHELOHOST=client.a.test", "NUMRCPTS=2",
        ]
        #expect(expected.subtracting(found) == [])
        #expect(found.contains("SMTPAUTHUSER=alice") == (call.client.smtpd["SMTPAUTHUSER"] != nil))
        #expect(found.contains("RELAYCLIENT=") == (call.client.smtpd["RELAYCLIENT"] != nil))
    }

    @Test(arguments: smtpd)
    func `who may relay is not judged by steps that skip such clients`(call: QmailCall) throws {
        try host.root.step("10-a", script: "exit 31", "skip relayed", "convention qfilter")
        let mayRelay = call.client.smtpd["RELAYCLIENT"] != nil
        #expect(try host.send(try host.session(call)).hasPrefix("D") == !mayRelay)
        #expect(
            try host.send(try host.session(call, environment: ["RELAYCLIENT": ""])) == "")
    }

    @Test(arguments: others)
    func `a bounce, a forward and a user's message have no client`(call: QmailCall) throws {
        try host.root.step("10-a", script: "exit 31", "skip local", "convention qfilter")
        try host.root.step("20-b", script: "exit 31", "stage helo", "convention qfilter")
        let session = try host.session(call)
        // The Received field of an earlier hop is no source of an address.
        let said = try session.send(Self.trace, from: "", to: ["bob@b.test"])
        #expect(said == "")
        let queued = try #require(try host.queue.take().first)
        #expect(queued.sender == "" && queued.message == Self.trace)
    }

    @Test(arguments: ["#@[]", "list-return-12-@b.test-@[]", ""])
    func `the senders of bounces and lists pass as they are`(sender: String) throws {
        for call in QmailCall.all where call.caller == .bounce {
            let said = try host.session(call).send([0x0A], from: sender, to: ["bob@b.test"])
            #expect(said == "")
            #expect(try host.queue.take().map(\.sender) == [sender])
        }
    }

    @Test func `variables reach steps and the next program byte for byte`() throws {
        try host.root.drop("10-a", "env | grep -a ^TCPREMOTE >\(host.root.folder.file("env"))")
        let next = try host.root.folder.write(
            "next", "#!/bin/sh\nenv | grep -a ^TCPREMOTE >next-env\n", mode: 0o700)
        let envelope = try host.root.folder.write("e", "Fa@a.test\0Tb@b.test\0\0")
        let script = """
            export TCPREMOTEINFO="$(printf 'a\\351\\377b')" TCPREMOTEIP=192.0.2.1
            echo x | "$0" --root "$1" 1<"$2"
            """
        var tool = try Tool(
            "/bin/sh",
            ["-c", script, try Tool.path("filter-chain"), host.root.folder.path, envelope])
        tool.environment = ["CHAINMAIL_NEXT": next, "LC_ALL": "C"]
        tool.folder = host.root.folder.path
        let result = try tool.run()
        #expect(result.code == 0, "\(result.errors)")
        let line = Array("TCPREMOTEINFO=a".utf8) + [0xE9, 0xFF, 0x62, 0x0A]
        for name in ["env", "next-env"] {
            let bytes = try host.root.folder.read(name)
            #expect(bytes.split(separator: 0x0A).contains(line.dropLast()[...]), "\(name)")
        }
    }

    @Test(arguments: [4 as Int32, 6])
    func `a pipe to the TLS of a session is no place for a reason`(number: Int32) throws {
        try host.root.drop("10-a", "exit 31")
        // Who reads it is no ancestor of ours, but the process that encrypts.
        let pipe = try RemotePipe()
        let session = try host.session(
            QmailCall(client: .sqmail, caller: .smtpd),
            environment: ["SSLWRITEFD": "\(number)"],
            others: [number: pipe.writing])
        #expect(
            try host.send(session) == "Dmail server permanently rejected message (#5.3.0)")
        #expect(try pipe.contents() == [])
    }

    @Test func `a script between client and chain loses no reason`() throws {
        try host.root.step(
            "10-a",
            script: "\(ChainFolder.saying(.reject(EnhancedStatus(5, 7, 0), "no"))); exit 31",
            "workers 0")
        let script = try host.root.folder.write(
            "between", "#!/bin/sh\n'\(try Tool.path("filter-chain"))'\nexit $?\n", mode: 0o700)
        for client in QmailClient.all where client.reasonDescriptor.map({ $0 != 2 }) == true {
            let session = try host.session(
                QmailCall(client: client, caller: .smtpd), queue: script)
            #expect(try host.send(session) == "Dno (#5.7.0)")
        }
    }
}
