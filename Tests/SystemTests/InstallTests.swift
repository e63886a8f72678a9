import Foundation
import Glibc
import TestSupport
import Testing
import UnixIO

@Suite struct InstallTests {
    private let folder: TestFolder
    private var stage: String { folder.file("stage") }

    init() throws { folder = try TestFolder() }

    private func files() -> [String] {
        let all = FileManager.default.enumerator(atPath: stage)?.compactMap { $0 as? String } ?? []
        return all.filter { name in
            var isFolder: ObjCBool = false
            _ = FileManager.default.fileExists(atPath: "\(stage)/\(name)", isDirectory: &isFolder)
            return !isFolder.boolValue
        }
    }

    @Test func `what is installed is whole, and what is removed leaves nothing`() throws {
        try InstalledServer.install(to: stage)
        let unit = try String(
            contentsOfFile: "\(stage)/usr/lib/systemd/system/chainmail.service", encoding: .utf8)
        #expect(unit.contains("\nExecStart=/usr/lib/chainmail/mail-server\n"))
        #expect(!files().contains { $0.hasPrefix("etc/") })
        for name in ["bin/spf-check", "bin/queue-message", "bin/chainmail", "sbin/mail-server"] {
            let result = try Tool("\(stage)/usr/\(name)", ["--version"]).run()
            #expect(result.code == 0, "\(name): \(result.errors)")
        }
        for name in ["man8/mail-server.8", "man7/chainmail.7", "man5/filters.d.5"] {
            #expect(access("\(stage)/usr/share/man/\(name)", R_OK) == 0)
        }
        try InstalledServer.install(to: stage, ["--remove"])
        #expect(files().isEmpty)
    }

    @Test func `sendmail's names replace nobody's, and only ours are removed`() throws {
        try InstalledServer.install(to: stage, sendmail: true)
        let mailq = "\(stage)/usr/bin/mailq"
        #expect(try Tool("\(stage)/usr/sbin/sendmail", ["-bd"]).run().code == 64)
        #expect(try Tool("\(stage)/usr/bin/newaliases").run().code == 0)
        try Files.unlink(mailq)
        try folder.write("stage/usr/bin/mailq", "somebody else's")
        try InstalledServer.install(to: stage, sendmail: true)
        #expect(try folder.read("stage/usr/bin/mailq") == Array("somebody else's".utf8))
        try InstalledServer.install(to: stage, ["--remove"])
        #expect(files() == ["usr/bin/mailq"])
    }

    @Test func `sysusers names each user that mail-server wants`() throws {
        let text = try String(
            contentsOfFile: "\(repository)/host/systemd/sysusers.conf", encoding: .utf8)
        let users = text.split(separator: "\n").filter { $0.hasPrefix("u ") }
            .compactMap { $0.split(separator: " ").dropFirst().first.map(String.init) }
        #expect(
            users.sorted() == SeamUser.allCases.map(\.rawValue).filter { $0 != "dave" }.sorted())
    }

    @Test func `an installed program is there for each of the chain's steps and services`() throws {
        try InstalledServer.install(to: stage)
        let server = try TestServer()
        try server.keepSteps(["20-rcpt-validate", "40-regex-filter"])
        try server.start { $0.path = "\(stage)/usr/sbin/mail-server" }
        let reply = try server.connect().send(
            from: "a@pass.test", to: ["alice@example.test"], "Subject: x\n\nx\n")
        #expect(reply.hasPrefix("250 "), "\(server.log)")
        #expect(eventually { !server.messages(of: "alice").isEmpty }, "\(server.log)")
        for pid in server.processes() {
            #expect(Processes.commandLine(of: pid).contains("\(stage)/usr/lib/chainmail/"))
        }
    }
}
