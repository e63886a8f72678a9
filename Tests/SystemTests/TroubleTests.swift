import Glibc
import TestSupport
import Testing

/// What is wrong in the configuration: nothing starts, and one line says why.
@Suite struct StartTests {
    private func refusal(_ change: (TestServer) throws -> Void) throws -> String {
        let server = try TestServer()
        try change(server)
        var tool = try server.tool()
        tool.limit = .seconds(100)
        let result = try tool.run()
        #expect([69, 71, 78].contains(result.code), "\(result.termination): \(result.errors)")
        return result.errors
    }

    @Test func `a missing name of the host is named with its file`() throws {
        let errors = try refusal { unlink("\($0.root)/etc/control/me") }
        #expect(errors.contains("/etc/control/me: "))
    }

    @Test func `a broken listener is named with file and line`() throws {
        let errors = try refusal { try $0.control("listen", "# one\nsmtp nowhere:25") }
        #expect(errors.contains("/etc/control/listen:2: "))
    }

    @Test func `a broken mailbox is named with file and line`() throws {
        let errors = try refusal { try $0.control("mailboxes", "alice@example.test\nnonsense") }
        #expect(errors.contains("/etc/control/mailboxes:2: "))
    }

    @Test func `a control file that cannot be read is not a missing one`() throws {
        let errors = try refusal {
            unlink("\($0.root)/etc/control/relayclients")
            mkdir("\($0.root)/etc/control/relayclients", 0o700)
        }
        #expect(errors.contains("/etc/control/relayclients: "))
    }

    @Test func `a missing filters.d is an error, not an empty chain`() throws {
        let errors = try refusal {
            try $0.keepSteps([])
            rmdir("\($0.root)/etc/filters.d")
        }
        #expect(errors.contains("/etc/filters.d"))
    }

    @Test func `an unknown keyword is named with file and line`() throws {
        let errors = try refusal { try $0.step("60-more", "run rcpt-validate\nstagge rcpt\n") }
        #expect(errors.contains("/etc/filters.d/60-more:2: "))
    }

    @Test func `a program that is not there is named with file and line`() throws {
        let errors = try refusal { try $0.step("60-more", "# more\nrun no-such-program\n") }
        #expect(errors.contains("/etc/filters.d/60-more:2: "))
    }

    @Test func `a rule that cannot be read is named with file and line`() throws {
        let errors = try refusal {
            try $0.folder.write("root/etc/regex-rules", "# rules\nsubject /x/ reject no\n")
        }
        #expect(errors.contains("/etc/regex-rules:2: "))
    }
}

/// What goes wrong while the server runs: a temporary refusal, and no message is queued.
@Suite struct TroubleTests {
    private func server(_ change: (TestServer) throws -> Void) throws -> TestServer {
        let server = try TestServer()
        try server.keepSteps([])
        try change(server)
        try server.start()
        return server
    }

    private func reply(of server: TestServer) throws -> String {
        let reply = try server.connect().send(
            from: "someone@pass.test", to: ["alice@example.test"], "Subject: x\n\nx\n")
        #expect(server.messages(of: "alice").isEmpty)
        return reply
    }

    /// A step that is run for each message, as any qmail-qfilter filter.
    private func step(_ script: String) throws -> TestServer {
        try server { try $0.step("60-step", "#!/bin/sh\n\(script)\n", mode: 0o700) }
    }

    @Test(arguments: ["kill -SEGV $$", "exit 77", "exit 1", "exit 127"])
    func `a filter that crashes or makes no sense defers`(script: String) throws {
        let reply = try reply(of: step(script))
        #expect(reply.hasPrefix("451 "), "\(reply)")
    }

    @Test func `a filter that hangs is ended and defers`() throws {
        let server = try server {
            try $0.folder.write("hang", "#!/bin/sh\nexec sleep 600\n", mode: 0o700)
            try $0.step(
                "60-step",
                "run \($0.folder.file("hang"))\nconvention qfilter\nworkers 0\ntimeout 1s\n")
        }
        let reply = try reply(of: server)
        #expect(reply.hasPrefix("451 "), "\(reply)")
    }

    @Test func `a filter that says accept and then crashes defers`() throws {
        let server = try server {
            let record = "35:9:chainmail,1:1,7:verdict,6:accept,,"
            try $0.folder.write(
                "liar",
                "#!/bin/sh\neval \"printf '%s' '\(record)' >&$FILTER_VERDICT_FD\"\nkill -9 $$\n",
                mode: 0o700)
            try $0.step("60-step", "run \($0.folder.file("liar"))\nworkers 0\n")
        }
        let reply = try reply(of: server)
        #expect(reply.hasPrefix("451 "), "\(reply)")
    }

    @Test func `an accept whose record is cut short defers`() throws {
        let server = try server {
            try $0.folder.write(
                "short",
                "#!/bin/sh\neval \"printf '38:9:chainmail,1:1,7:verd' >&$FILTER_VERDICT_FD\"\n",
                mode: 0o700)
            try $0.step("60-step", "run \($0.folder.file("short"))\nworkers 0\n")
        }
        let reply = try reply(of: server)
        #expect(reply.hasPrefix("451 "), "\(reply)")
    }

    @Test func `a queue that cannot be written defers`() throws {
        let server = try server { _ in }
        let queue = "\(server.root)/spool/queue/new"
        #expect(rename(queue, "\(queue).away") == 0)
        let client = try server.connect()
        let reply = try client.send(
            from: "a@pass.test", to: ["alice@example.test"], "Subject: x\n\nx\n")
        #expect(reply.hasPrefix("4"), "\(reply)")
    }

    @Test func `a service that dies again and again is started ever more slowly`() throws {
        let server = try server {
            let script = """
                #!/bin/sh
                echo started >> \($0.folder.file("starts"))
                [ "$1" != --ready-fd ] || eval "echo READY >&$2"
                """
            try $0.folder.write("dying", script, mode: 0o700)
            try $0.step("60-step", "run \($0.folder.file("dying"))\n")
        }
        let starts = { (try? server.folder.read("starts"))?.count { $0 == 0x0A } ?? 0 }
        #expect(eventually { starts() >= 4 })
        let before = starts()
        // Delays of 0.1, 0.2, 0.4 seconds and so on leave room for no more than these.
        sleep(2)
        #expect(starts() - before <= 6, "\(server.log)")
        let reply = try reply(of: server)
        #expect(reply.hasPrefix("451 "), "\(reply)")
    }

    @Test func `a service that does not get ready the first time ends the start`() throws {
        let server = try TestServer()
        try server.folder.write("broken", "#!/bin/sh\nexit 3\n", mode: 0o700)
        try server.step("60-step", "run \(server.folder.file("broken"))\n")
        let result = try server.tool().run()
        #expect(result.code == 69)
        #expect(result.errors.contains("filters/60-step did not start: exit 3"))
        #expect(result.errors.contains("mail-server: "))
    }
}
