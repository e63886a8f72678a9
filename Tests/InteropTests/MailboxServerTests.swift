// The README's server for many mailboxes: our lists, users and Maildirs, and Dovecot's IMAP and POP3.
// SPDX-License-Identifier: MIT

import TestSupport
import Testing
import UnixIO

@Suite(.serialized) struct MailboxServerTests {
    /// The password of the README's two hashes.
    private let password = "geheim"

    /// The words of the README's command that makes mailboxes of a list.
    private func command() throws -> [String] {
        let line = try Chapter.block(beginning: "sudo chainmail mailboxes add --from")[0]
        return line.split(separator: " ").dropFirst(2).map(String.init)
    }

    @Test func `the README's list, command and configuration are a server of mailboxes`() throws {
        let server = try MailboxServer()
        let list = try Chapter.block(beginning: "anna@example.com ")
        try server.root.write("customers", list.joined(separator: "\n") + "\n")
        #expect(try server.chainmail(command()).text.hasPrefix("2 mailboxes\n2 domains"))
        try server.deliver(
            "Subject: one\n\nhello\n", to: ["anna@example.com", "Bert@Example.net"])
        try server.deliver("Subject: two\n\n.\n", to: ["ANNA@example.com"])
        try server.serve()
        let seen = try server.visit([
            ("anna@example.com", password), ("Bert@Example.NET", password),
            ("anna@example.com", "falsch"), ("carl@example.com", password),
        ])
        // The quota is in KiB: 2GB; bert has none.
        #expect(
            seen == [
                "anna@example.com imap 2 two 2097152", "anna@example.com pop3 2 two",
                "Bert@Example.NET imap 1 one -", "Bert@Example.NET pop3 1 one",
                "anna@example.com imap refused", "anna@example.com pop3 refused",
                "carl@example.com imap refused", "carl@example.com pop3 refused",
            ], "\(server.log)")

        // What changes counts at once; who is new has read his mail before there was any.
        try server.chainmail(["user", "passwd", "anna@example.com", "--password-stdin"], "neu\n")
        try server.chainmail(
            ["mailboxes", "add", "carl@example.com", "--password-stdin", "--quota", "1MB"], "carl")
        try server.chainmail(["mailboxes", "remove", "bert@example.net"])
        let then = try server.visit([
            ("anna@example.com", "neu"), ("anna@example.com", password),
            ("carl@example.com", "carl"), ("bert@example.net", password),
        ])
        #expect(
            then.filter { $0.contains(" imap ") } == [
                "anna@example.com imap 2 two 2097152", "anna@example.com imap refused",
                "carl@example.com imap 0 - -", "bert@example.net imap refused",
            ], "\(server.log)")
        try server.deliver("Subject: first\n\n\n", to: ["carl@example.com"])
        #expect(
            try server.visit([("carl@example.com", "carl")]) == [
                "carl@example.com imap 1 first 1024", "carl@example.com pop3 1 first",
            ])
        let users = try server.doveadm(["user", "*"]).split(separator: "\n")
        #expect(users == ["anna@example.com", "carl@example.com"])
        #expect(try server.doveadm(["quota", "get", "-A"]).contains("STORAGE"))
    }

    @Test func `100,000 mailboxes in 1,000 domains are made, delivered to and read`() throws {
        let server = try MailboxServer()
        let line = try Chapter.block(beginning: "anna@example.com ")[0]
        let hash = line.split(separator: " ")[1]
        let addresses = (0..<100_000).map { "user\($0)@d\($0 % 1000).example" }
        try server.root.write(
            "customers", addresses.map { "\($0) \(hash) quota=1GB\n" }.joined())
        let words = try command()
        #expect(try server.chainmail(words).text.hasPrefix("100000 mailboxes\n1000 domains"))
        let some = (0..<20).map { addresses[$0 * 4999 + 3] }
        try server.deliver("Subject: to all\n\nhello\n", to: some)
        try server.serve()
        let seen = try server.visit(some.map { ($0, password) } + [("user1@d2.example", password)])
        let expected = some.flatMap { ["\($0) imap 1 to all 1048576", "\($0) pop3 1 to all"] }
        #expect(
            seen == expected + ["user1@d2.example imap refused", "user1@d2.example pop3 refused"],
            "\(server.log)")
    }
}
