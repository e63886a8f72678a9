// ClamdTests: virus-scan --clamd with a real clamd.
// SPDX-License-Identifier: MIT

import Glibc
import MailModel
import TestSupport
import Testing
import UnixIO

@Suite struct ClamdTests {
    private static let refused = "virus found: Test.EICAR.UNOFFICIAL"
    private let folder: TestFolder
    private let database: String

    init() throws {
        folder = try TestFolder()
        database = try Samples.database(in: folder)
    }

    private func unscannable(_ reason: String) -> String {
        "the message cannot be scanned for viruses (\(reason))"
    }

    /// Messages, and what is said of each by libclamav and by clamd alike.
    private func cases() throws -> [(message: [UInt8], word: String)] {
        var deep = Array("x".utf8)
        for _ in 0..<20 { deep = try Samples.zip(deep) }
        let large = [UInt8](repeating: 0x61, count: 3 << 20)
        let text = Array("From: a@example.org\n\n".utf8)
        return [
            (Samples.mail([Array("hello".utf8)]), "accept"),
            (text + Samples.eicar, Self.refused),
            (Samples.mail([Samples.eicar]), Self.refused),
            (Samples.mail([Samples.eicar], first: "MZ: a\n"), Self.refused),
            (Samples.mail([try Samples.zip(Samples.eicar)]), Self.refused),
            (Samples.mail([try Samples.tarball(Samples.eicar)]), Self.refused),
            (try Samples.zip(Samples.eicar), Self.refused),
            (Samples.mail([Samples.hashed]), "virus found: Test.Hash.UNOFFICIAL"),
            (Samples.mail([large]), "accept"),
            (Samples.mail([large, Samples.eicar]), Self.refused),
            (Samples.mail([Samples.encryptedZip]), unscannable("encrypted")),
            (Samples.mail([Samples.encryptedZip, Samples.eicar]), Self.refused),
            (Samples.mail([deep]), unscannable("depth")),
        ]
    }

    @Test func `by descriptor and by stream the verdicts are those of libclamav`() throws {
        let local = try RealClamd(in: folder, database: database)
        let network = try RealClamd(in: folder, database: database, onNetwork: true)
        for arguments in [
            ["--clamd", local.address], ["--clamd", network.address], ["--database", database],
        ] {
            let scanner = try ResidentScanner(folder, arguments)
            for (index, one) in try cases().enumerated() {
                #expect(try scanner.word(one.message) == one.word, "\(index) \(arguments)")
            }
            #expect(!scanner.service.log.contains("WARNING"), "\(scanner.service.log)")
            try scanner.service.stop()
        }
        withExtendedLifetime((local, network)) {}
    }

    @Test func `pending edits are part of what is scanned, what is around the message is not`()
        throws
    {
        let clamd = try RealClamd(in: folder, database: database)
        let scanner = try ResidentScanner(folder, ["--clamd", clamd.address])
        let clean = Array("From: a@example.org\n\nhello\n".utf8)
        #expect(try scanner.word(clean) == "accept")
        let field = try #require(HeaderField("X-A", String(decoding: Samples.eicar, as: UTF8.self)))
        #expect(try scanner.word(clean, edits: [.prepend(field)]) == Self.refused)
        let infected = field.bytes + clean
        #expect(try scanner.word(infected) == Self.refused)
        #expect(try scanner.word(infected, edits: [.remove(name: Array("X-A".utf8))]) == "accept")
        withExtendedLifetime(clamd) {}
    }

    @Test func `a stream that is longer than clamd takes is unscannable`() throws {
        let clamd = try RealClamd(
            in: folder, database: database, onNetwork: true,
            RealClamd.alerts + ["StreamMaxLength 100K"])
        let scanner = try ResidentScanner(folder, ["--clamd", clamd.address])
        let message = Samples.mail([[UInt8](repeating: 0x61, count: 1 << 20)])
        let word = try scanner.word(message)
        // Where the connection is reset, clamd's words may be lost; then nothing is known.
        #expect([unscannable("size"), "temporary trouble with a filter"].contains(word))
        #expect(try scanner.word(Samples.mail([])) == "accept")
        withExtendedLifetime(clamd) {}
    }

    @Test func `a clamd that calls clean what it did not look into is warned of`() throws {
        let clamd = try RealClamd(in: folder, database: database, [])
        let scanner = try ResidentScanner(folder, ["--clamd", clamd.address])
        #expect(scanner.service.log.contains("AlertEncrypted"))
        #expect(scanner.service.log.contains("AlertExceedsMax"))
        withExtendedLifetime(clamd) {}
    }

    @Test func `when clamd is gone nothing passes, and when it is back all is well`() throws {
        var clamd = try RealClamd(in: folder, database: database)
        let scanner = try ResidentScanner(folder, ["--clamd", clamd.address])
        let clean = Samples.mail([])
        #expect(try scanner.word(clean) == "accept")
        try clamd.daemon.stop(SIGKILL)
        guard case .defer = try scanner.verdict(clean) else {
            Issue.record("it was not deferred")
            return
        }
        try Files.unlink(clamd.address)
        clamd = try RealClamd(in: folder, database: database)
        #expect(try scanner.word(clean) == "accept")
    }

    @Test func `in a queue and in a shell no pool is needed`() throws {
        let clamd = try RealClamd(in: folder, database: database)
        var queue = try Tool("virus-scan", ["--clamd", clamd.address, "--", "true"])
        queue.envelope = Array("Fa@example.org\0Tb@example.test\0\0".utf8)
        queue.message = Samples.mail([Samples.eicar])
        #expect(try queue.run().code == 31)
        queue.message = Samples.mail([])
        #expect(try queue.run().code == 0)
        var shell = try Tool("virus-scan", ["--clamd", clamd.address, "--scanned-field"])
        shell.message = Array("X-Virus-Scanned: forged\nFrom: a@example.org\n\nx\n".utf8)
        let text = try shell.run().text
        #expect(text.hasPrefix("X-Virus-Scanned: clean (chainmail virus-scan "))
        #expect(!text.contains("forged"))
    }

    @Test(arguments: [
        ["--clamd", "clamd.example.org:3310"], ["--clamd", "127.0.0.1"],
        ["--clamd", "/a", "--clamd", ""],
        ["--clamd", "/a", "--database", "/b"], ["--clamd", "/a", "--max-files", "10"],
        ["--clamd", "/a", "--max-recursion", "10"], ["--clamd", "/a", "--temporary", "/b"],
        ["--block", ""], ["--block", "encrypted,"], ["--block", "viruses"],
        ["--check-interval", "10"], ["--quarantine", "/q"], ["--timeout", "10m"],
        ["--on-found", "quarantine", "--quarantine", "/proc/none", "--clamd", "/a"],
    ])
    func `a wrong option is bad configuration`(arguments: [String]) throws {
        var tool = try Tool("virus-scan", arguments)
        tool.message = Samples.mail([])
        let result = try tool.run()
        #expect(result.code == FilterExit.badConfiguration.rawValue, "\(result.errors)")
    }
}
