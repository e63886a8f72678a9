// Tests of auth-check as a service: clients that are slow, gone or hostile, and its limits.
// SPDX-License-Identifier: MIT

import AuthProtocol
import Glibc
import MailModel
import TestSupport
import Testing
import UnixIO
import Workers

@Suite struct AuthServiceTests {
    private static let anna = AuthReply.accepted(user: Array("anna".utf8), final: nil)

    private func plain(_ check: TestAuthCheck, client: String = "192.0.2.1") throws -> AuthReply {
        try TestDialogue(check, "PLAIN", "\0anna\0pencil", client: client).answer()
    }

    /// A conversation that waits for its client.
    private func held(_ check: TestAuthCheck, client: String) throws -> TestDialogue {
        let dialogue = try TestDialogue(check, "LOGIN", nil, client: client)
        guard case .challenge = try dialogue.answer() else {
            throw TestFailure("no challenge")
        }
        return dialogue
    }

    @Test func `clients that never answer hold no worker`() throws {
        let check = try TestAuthCheck(options: ["--workers", "1"])
        let held = try (0..<30).map { try self.held(check, client: "10.0.0.\($0)") }
        let begin = WallClock.microseconds
        for _ in 0..<20 { #expect(try plain(check) == Self.anna) }
        // One that waited for a held conversation would take a minute.
        #expect(WallClock.microseconds - begin < 20_000_000)
        #expect(try held[7].say("anna") == .challenge(Array("Password:".utf8)))
        #expect(try held[7].say("pencil") == Self.anna)
    }

    @Test func `conversations are bounded, in all and for each client, and free their places`()
        throws
    {
        let check = try TestAuthCheck(options: [
            "--conversations", "4", "--client-conversations", "2",
        ])
        var first = [
            try held(check, client: "10.0.0.1"), try held(check, client: "10.0.0.1"),
        ]
        let third = try TestDialogue(check, "LOGIN", nil, client: "10.0.0.1").answer()
        #expect(third == .unavailable("too many conversations"))
        let others = [
            try held(check, client: "2001:db8::1"), try held(check, client: "2001:db8::2"),
        ]
        // Two of one IPv6 network, and four in all.
        for client in ["2001:db8::3", "10.0.0.2"] {
            let reply = try TestDialogue(check, "LOGIN", nil, client: client).answer()
            #expect(reply == .unavailable("too many conversations"))
        }
        // What needs one round needs no place.
        #expect(try plain(check, client: "10.0.0.1") == Self.anna)
        first.removeLast().leave()
        #expect(
            try eventually {
                let reply = try TestDialogue(check, "LOGIN", nil, client: "10.0.0.1").answer()
                if case .challenge = reply { return true }
                return false
            })
        withExtendedLifetime((first, others)) {}
    }

    @Test func `a conversation has an end, and its place is free then`() throws {
        let check = try TestAuthCheck(options: [
            "--conversation-timeout", "1s", "--conversations", "1", "--workers", "1",
        ])
        let slow = try held(check, client: "10.0.0.1")
        #expect(eventually { check.service.log.contains("event=login-abandoned") })
        #expect(throws: ExchangeError.self) { try slow.say("anna") }
        _ = try held(check, client: "10.0.0.2")
    }

    @Test func `the process of a killed conversation takes no place for ever`() throws {
        let check = try TestAuthCheck(options: ["--conversations", "1", "--workers", "1"])
        let dialogue = try held(check, client: "10.0.0.1")
        let parent = check.service.process.pid
        func children(_ pid: pid_t) throws -> [pid_t] {
            let text = try Files.contents(of: "/proc/\(pid)/task/\(pid)/children")
            return String(decoding: text, as: UTF8.self).split(separator: " ").compactMap {
                pid_t($0)
            }
        }
        let processes = try children(parent).flatMap { try children($0) }
        #expect(processes.count == 1)
        for process in processes { kill(process, SIGKILL) }
        #expect(throws: ExchangeError.self) { try dialogue.say("anna") }
        // A killed process is gone a moment later.
        let isFree = eventually { (try? held(check, client: "10.0.0.2")) != nil }
        #expect(isFree)
    }

    private static let frames: [(String, String)] = [
        ("", "nothing"), ("5:", "a frame cut short"), ("x", "no frame"),
        ("99999999:", "a frame that is too long"), ("3:1:a,", "a name without its end"),
        ("9:1:a,1:b,,", "a length that is not right"), ("8:1:a,1:b,,", "no request"),
        ("24:7:request,7:nothing,,,", "another request"),
        ("30:7:request,12:authenticate,,", "no version"),
    ]

    @Test(arguments: frames)
    func `what is no question gets no answer, and the next client is served`(
        frame: String, reason: String
    ) throws {
        let check = try TestAuthCheck(options: ["--workers", "1"])
        do {
            let connection = try UnixSocket.connect(
                to: check.socket, deadline: .after(.seconds(30)))
            try connection.send(Array(frame.utf8), deadline: .after(.seconds(30)))
            shutdown(connection.descriptor.number, Int32(SHUT_WR))
            var received = Received()
            let count = try? connection.receive(
                into: &received, limit: 100, deadline: .after(.seconds(30)))
            #expect((count ?? 0) == 0)
        }
        #expect(try plain(check) == Self.anna)
    }

    @Test(arguments: ["PLAIN", "LOGIN", "CRAM-MD5", "SCRAM-SHA-256", "EXTERNAL", "OAUTHBEARER"])
    func `long and odd responses are refused, and nobody dies of them`(mechanism: String) throws {
        let check = try TestAuthCheck(
            auth: "users clear=yes FILE\ncertificate\noauth /bin/false",
            options: ["--workers", "1"])
        let long = String(repeating: "a", count: 9000)
        for said in [
            long, "\0\(long)\0pencil", "\0anna\0\(long)", "n,,n=\(long),r=x", "anna\0", "\0\0",
            "n,a=\(long),\u{1}auth=Bearer x\u{1}\u{1}", "\u{FFFD}\u{202E}", "=", ",,,,", "n,,n=a",
        ] {
            let dialogue = try TestDialogue(check, mechanism, said)
            var reply = try dialogue.answer()
            if case .challenge = reply { reply = try dialogue.say(said) }
            if case .challenge = reply { reply = try dialogue.say(said) }
            if case .accepted = reply { Issue.record("accepted: \(said.prefix(20))") }
        }
        #expect(throws: ExchangeError.self) {
            try TestDialogue(check, mechanism, long + long).answer()
        }
        #expect(try plain(check) == Self.anna)
        #expect(!check.service.log.contains("worker-died"))
    }

    @Test func `a source that cannot say is not known, whatever the mechanism`() throws {
        let tools = try TestFolder()
        let program = try TestAuthCheck.script("exit 111", in: tools)
        let check = try TestAuthCheck(auth: "checkpassword \(program)")
        guard case .unavailable = try plain(check) else {
            Issue.record("known")
            return
        }
        let dialogue = try TestDialogue(check, "LOGIN", "anna")
        _ = try dialogue.answer()
        guard case .unavailable = try dialogue.say("pencil") else {
            Issue.record("known")
            return
        }
        // What cannot be read is not known either.
        let users = try TestAuthCheck()
        _ = try plain(users)
        try Files.unlink(users.folder.file("etc/users"))
        guard case .unavailable = try plain(users) else {
            Issue.record("known")
            return
        }
        let scram = try TestDialogue(users, "SCRAM-SHA-256", "n,,n=anna,r=nonce")
        guard case .unavailable = try scram.answer() else {
            Issue.record("known")
            return
        }
    }

    @Test func `nothing that a client says is in the log but its login`() throws {
        let check = try TestAuthCheck()
        _ = try plain(check)
        _ = try TestDialogue(check, "PLAIN", "\0otto\0hunter2").answer()
        let dialogue = try TestDialogue(check, "LOGIN", "anna")
        _ = try dialogue.answer()
        _ = try dialogue.say("hunter2")
        #expect(
            eventually {
                check.service.log.split(separator: "\n").filter {
                    $0.contains("event=login-refused ") && $0.contains("reason=credentials")
                }.count == 2
            })
        let log = check.service.log
        #expect(log.contains("event=login client=192.0.2.1 mechanism=PLAIN login=anna user=anna"))
        #expect(!log.contains("pencil") && !log.contains("hunter2"))
    }

    @Test func `no process leaves a core dump`() throws {
        let check = try TestAuthCheck()
        let limits = try Files.contents(of: "/proc/\(check.service.process.pid)/limits")
        let line = String(decoding: limits, as: UTF8.self).split(separator: "\n").first {
            $0.hasPrefix("Max core file size")
        }
        #expect(line?.split(separator: " ").dropFirst(4).prefix(2) == ["0", "0"])
    }

    @Test func `new sources are read on SIGHUP, and those that are wrong are not taken`() throws {
        let check = try TestAuthCheck()
        try check.folder.write("etc/control/auth", "certificat\n")
        check.service.process.signal(SIGHUP)
        #expect(eventually { check.service.log.contains("auth:1") })
        #expect(try plain(check) == Self.anna)
        try check.folder.write("etc/control/auth", "certificate\n")
        check.service.process.signal(SIGHUP)
        #expect(
            try eventually {
                try check.client.mechanisms(deadline: .after(.seconds(30))) == [.external]
            })
    }
}
