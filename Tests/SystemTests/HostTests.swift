import Foundation
import Glibc
import TestSupport
import Testing
import UnixIO

/// Starting as root, and what goes wrong with it.
@Suite(.enabled(if: geteuid() == 0, "only root can start programs as other users"))
struct HostTests {
    private let installed: InstalledServer

    init() throws {
        installed = try InstalledServer()
        try installed.server.keepSteps(["20-rcpt-validate"])
    }

    /// What a start that must fail says.
    private func refusal() throws -> String {
        var tool = try Tool("\(installed.stage)/usr/sbin/mail-server", installed.arguments)
        tool.limit = .seconds(100)
        let result = try tool.run()
        #expect(result.code == 78, "\(result.termination): \(result.errors)")
        return result.errors
    }

    @Test func `a user that is missing is named, with the file that says whom to make`() throws {
        let lines = SeamUser.lines.split(separator: "\n").filter { !$0.hasPrefix("chainauth:") }
        try installed.folder.write("passwd", lines.joined(separator: "\n"))
        let errors = try refusal()
        #expect(errors.contains("no user chainauth; sysusers.d/chainmail.conf"), "\(errors)")
    }

    @Test(arguments: [("64102:64102", "0:64102"), ("64102:64102", "64102:0")])
    func `a user that is root, or of its group, starts nothing`(
        old: String, new: String
    ) throws {
        try installed.folder.write("passwd", SeamUser.lines.replacing(old, with: new))
        #expect(try refusal().contains("chainfilter is root, or of its group"))
    }

    @Test func `two users with one number start nothing`() throws {
        try installed.folder.write(
            "passwd", SeamUser.lines.replacing("64103:64103", with: "64103:64101"))
        #expect(try refusal().contains("chainmaild and chainauth have a number in common"))
    }

    @Test func `a queue of another user is named, and left alone`() throws {
        try installed.folder.write("root/spool/queue/lock", "")
        chmod("\(installed.root)/spool", 0o711)
        let errors = try refusal()
        #expect(errors.contains("/spool/queue: belongs to user 0, not to chainmail"), "\(errors)")
    }

    @Test func `a step that is new at a hangup is not run as who has the keys`() throws {
        let mark = installed.folder.file("open/late")
        try Files.makeFolders(installed.folder.file("open"))
        chmod(installed.folder.file("open"), 0o1777)
        try installed.start()
        let server = installed.server
        try server.step("60-late", "#!/bin/sh\nid -u > \(mark)\n", mode: 0o755)
        server.service?.process.signal(SIGHUP)
        #expect(
            eventually { server.log.contains(/reload-failed.*60-late: nobody serves this step/) },
            "\(server.log)")
        func send() throws -> String {
            try server.connect().send(
                from: "a@pass.test", to: ["alice@example.test"], "Subject: late\n\nx\n")
        }
        #expect(try send().hasPrefix("250 "), "\(server.log)")
        #expect(try Files.status(mark) == nil)
        #expect(try server.stop() == .exited(0))
        try installed.start()
        #expect(try send().hasPrefix("250 "), "\(server.log)")
        let user = String(decoding: try Files.contents(of: mark), as: UTF8.self)
        #expect(user == "\(SeamUser.chainfilter.number)\n")
    }

    @Test func `after a hangup and after the death of each program everything works as before`()
        throws
    {
        try installed.start()
        let server = installed.server
        for word in ["smtp-server", "queue-message", "queue-manager", "deliver-local"] {
            kill(try installed.process(word), SIGKILL)
        }
        server.service?.process.signal(SIGHUP)
        let arrives = eventually {
            let reply = try? server.connect().send(
                from: "a@pass.test", to: ["alice@example.test"], "Subject: after\n\nx\n")
            return reply?.hasPrefix("250 ") ?? false
        }
        #expect(arrives, "\(server.log)")
        #expect(eventually { !server.messages(of: "alice").isEmpty }, "\(server.log)")
        #expect(try server.stop() == .exited(0))
        // And once more on the same root: the sockets are there, and the folders.
        try installed.start()
        #expect(
            try server.connect().send(
                from: "a@pass.test", to: ["alice@example.test"], "Subject: again\n\nx\n"
            ).hasPrefix("250 "))
    }
}
