import Glibc
import TestSupport
import Testing

@Suite struct ReloadTests {
    private let server: TestServer

    init() throws {
        server = try TestServer()
        try server.keepSteps(["20-rcpt-validate", "40-regex-filter"])
        try server.start()
    }

    private func reply(to subject: String) throws -> String {
        try server.connect().send(
            from: "a@pass.test", to: ["alice@example.test"], "Subject: \(subject)\n\nx\n")
    }

    private func rules(_ text: String) throws {
        try server.folder.write("root/etc/regex-rules", text)
        server.service?.process.signal(SIGHUP)
    }

    @Test func `new rules count after a hangup, and bad ones leave the old in force`() throws {
        #expect(try reply(to: "a word").hasPrefix("250 "))
        try rules("header:Subject /a word/ reject not this word\n")
        let refuses = try eventually { try reply(to: "a word") == "550 5.7.1 not this word" }
        #expect(refuses, "\(server.log)")
        try rules("nonsense\n")
        #expect(eventually { server.log.contains("event=reload-failed") }, "\(server.log)")
        #expect(try reply(to: "a word") == "550 5.7.1 not this word")
        #expect(server.log.contains("/etc/regex-rules:1: "))
    }

    @Test func `a new mailbox is there within seconds, for the filter and for the delivery`() throws
    {
        let client = try server.connect()
        #expect(
            try client.send(from: "a@pass.test", to: ["dave@example.test"], "x\n")
                .hasPrefix("550 5.1.1 "))
        try server.control("mailboxes", "alice@example.test\ndave@example.test")
        let arrives = try eventually {
            try client.send(
                from: "a@pass.test", to: ["dave@example.test"], "Subject: to dave\n\nx\n"
            ).hasPrefix("250 ")
        }
        #expect(arrives, "\(server.log)")
        #expect(eventually { server.subjects(of: "dave").contains("to dave") }, "\(server.log)")
    }

    @Test func `mailboxes that cannot be read defer, they do not bounce`() throws {
        try server.control("mailboxes", "nonsense")
        let client = try server.connect()
        let defers = try eventually {
            try client.send(from: "a@pass.test", to: ["nobody@example.test"], "x\n")
                .hasPrefix("451 4.3.0 ")
        }
        #expect(defers, "\(server.log)")
    }
}
