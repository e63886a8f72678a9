// SignatureReloadTests: new signatures come while messages are scanned.
// SPDX-License-Identifier: MIT

import Foundation
import Glibc
import MailModel
import TestSupport
import Testing
import UnixIO

@Suite struct SignatureReloadTests {
    private static let clean = Array("From: a@example.org\n\nhello\n".utf8)
    private static let old = Array("From: a@example.org\n\nThe first pattern\n".utf8)
    private static let new = Array("From: a@example.org\n\nThe other pattern\n".utf8)
    private let folder: TestFolder

    init() throws {
        folder = try TestFolder()
        try sign("old", "The first pattern")
    }

    /// Writes a file of signatures as freshclam does: a new file takes the name of the old one.
    private func sign(_ name: String, _ text: String) throws {
        let hex = text.utf8.map { String(format: "%02x", $0) }.joined()
        try put("\(name).ndb", "Test.\(name):0:*:\(hex)\n")
    }

    private func put(_ name: String, _ text: String) throws {
        try folder.write("db/\(name).part", text)
        try Files.rename(folder.file("db/\(name).part"), to: folder.file("db/\(name)"))
    }

    private func scanner(_ arguments: [String] = []) throws -> ResidentScanner {
        try ResidentScanner(
            folder, ["--database", folder.file("db"), "--workers", "2-4"] + arguments)
    }

    @Test func `in reloads under load no message is deferred and none passes unscanned`()
        async throws
    {
        let scanner = try scanner(["--check-interval", "0s"])
        let counts = try await withThrowingTaskGroup(of: (Int, Int).self) { group in
            for _ in 0..<3 {
                group.addTask {
                    var refused = 0
                    for _ in 0..<150 {
                        guard try scanner.verdict(Self.clean).word == "accept" else { break }
                        if try scanner.verdict(Self.old).word == "reject" { refused += 1 }
                    }
                    return (150, refused)
                }
            }
            for number in 1...8 {
                // Every second set is broken.
                let isGood = number.isMultiple(of: 2)
                if isGood {
                    try sign("set\(number)", "The other pattern")
                    try Files.unlink(folder.file("db/broken.ndb"))
                } else {
                    try put("broken.ndb", "Test.Broken:0:*:zz\n")
                }
                scanner.service.process.signal(SIGHUP)
                #expect(
                    eventually {
                        scanner.service.log.components(separatedBy: "event=reload").count > number
                    })
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(counts.allSatisfy { $0.0 == $0.1 }, "\(counts)")
        #expect(try scanner.word(Self.new).hasPrefix("virus found: Test.set"))
        #expect(!scanner.service.log.contains("verdict=defer"))
        #expect(scanner.service.log.contains("event=reload-failed"))
        #expect(scanner.service.log.contains("event=reloaded"))
        #expect(try scanner.service.stop() == .exited(0))
    }

    @Test func `new signatures are noticed, and broken ones leave the old in force`() throws {
        let scanner = try scanner(["--check-interval", "50ms"])
        #expect(try scanner.word(Self.new) == "accept")
        try sign("new", "The other pattern")
        #expect(
            try eventually { try scanner.word(Self.new) == "virus found: Test.new.UNOFFICIAL" })
        try put("broken.ndb", "Test.Broken:0:*:zz\n")
        #expect(eventually { scanner.service.log.contains("reload-failed") })
        #expect(try scanner.word(Self.old) == "virus found: Test.old.UNOFFICIAL")
        #expect(try scanner.word(Self.new) == "virus found: Test.new.UNOFFICIAL")
        // Once it is mended, the next look finds it so.
        try sign("broken", "hello")
        #expect(try eventually { try scanner.word(Self.clean) != "accept" })
    }

    @Test func `what a killed worker left behind goes with the next one`() throws {
        let scanner = try scanner()
        let shared = "chainmail-scan-\(geteuid())"
        #expect(eventually { folder.names(in: shared).count == 2 })
        let before = Set(folder.names(in: shared))
        for worker in Processes.below(scanner.service.process.pid) { kill(worker, SIGKILL) }
        let isClean = eventually {
            let now = Set(folder.names(in: shared))
            return now.count == 2 && now.isDisjoint(with: before)
        }
        #expect(isClean, "\(folder.names(in: shared))")
        #expect(try scanner.word(Self.clean) == "accept")
    }
}
