// VirusEngineTests: tests Sources/VirusScanner/VirusEngine.swift.
// SPDX-License-Identifier: MIT

import Glibc
import MailModel
import Scanning
import TestSupport
import Testing
import UnixIO
import VirusScanner

/// Signatures of our own, loaded.
private struct Scanner {
    let folder: TestFolder
    let engine: VirusEngine

    init(_ change: (inout ScanLimits) -> Void = { _ in }) throws {
        folder = try TestFolder()
        var limits = ScanLimits()
        change(&limits)
        engine = try VirusEngine(database: Samples.database(in: folder), limits: limits)
        try engine.open(temporary: folder.path)
    }

    /// Scans bytes that have other bytes before and behind them in their file.
    func scan(_ message: [UInt8], adding: [UInt8] = []) throws -> ScanResult {
        let before = [UInt8](repeating: 0x2E, count: 5000)
        let path = try folder.write("message", before + message + Samples.eicar)
        let file = try Files.open(path, O_RDONLY)
        return engine.scan(
            file.borrowed, offset: before.count, length: message.count, adding: adding)
    }
}

@Suite(.serialized) struct VirusEngineTests {
    private static let found = ScanResult.found("Test.EICAR.UNOFFICIAL")

    @Test func `a signature in the text of a message is found`() throws {
        let message = Array("From: a@example.org\n\n".utf8) + Samples.eicar
        #expect(try Scanner().scan(message) == Self.found)
    }

    @Test func `a message without a signature is clean, whatever else its file holds`() throws {
        #expect(try Scanner().scan(Samples.mail([Array("hello".utf8)])) == .clean)
    }

    @Test(arguments: [
        "From: a@example.org\n",
        "Received: from a by b; Mon, 1 Jan 2024 00:00:00 +0000\n",
        "Return-Path: <a@example.org>\n",
        "X-Unknown: a\nY-Unknown: b\n",
        "X-Long: \(String(repeating: "a", count: 3000))\n",  // type is guessed from 1024 bytes
        "MZ: a\n",  // begins like a program for Windows
        "%PDF-1.4: a\n",
        "PK\u{3}\u{4}: a\n",
        "<html>: a\n",
        "#!/bin/sh: a\n",
        "not a field\n",
        "From a@example.org Mon Jan  1 00:00:00 2024\n",  // a line of mbox
        "Subject: \u{FF}\n",
    ])
    func `an attachment is found whatever the message begins with`(first: String) throws {
        #expect(try Scanner().scan(Samples.mail([Samples.eicar], first: first)) == Self.found)
    }

    @Test func `a message whose lines end in CR LF is mail too`() throws {
        let message = Samples.mail([Samples.eicar]).flatMap { $0 == 0x0A ? [0x0D, 0x0A] : [$0] }
        #expect(try Scanner().scan(message) == Self.found)
    }

    @Test func `a message that is one encoded part is decoded`() throws {
        let header = "X-A: b\nContent-Transfer-Encoding: quoted-printable\n\n"
        let body = Samples.eicar.flatMap { byte -> [UInt8] in
            let digits = String(byte, radix: 16, uppercase: true)
            return Array((digits.count == 1 ? "=0\(digits)" : "=\(digits)").utf8)
        }
        #expect(try Scanner().scan(Array(header.utf8) + body) == Self.found)
    }

    @Test func `fields that are put on top are part of what is scanned`() throws {
        let body = Samples.mail([Samples.eicar], first: "")
        let header = Array("X-Spam: no\n".utf8)
        #expect(try Scanner().scan(body, adding: header) == Self.found)
    }

    @Test func `archives are looked into`() throws {
        let scanner = try Scanner()
        let zip = try Samples.zip(Samples.eicar)
        #expect(try scanner.scan(Samples.mail([zip])) == Self.found)
        #expect(try scanner.scan(Samples.mail([Samples.zip(zip)])) == Self.found)
        #expect(try scanner.scan(Samples.mail([Samples.tarball(Samples.eicar)])) == Self.found)
    }

    @Test func `an archive that is no message is looked into`() throws {
        #expect(try Scanner().scan(Samples.zip(Samples.eicar)) == Self.found)
    }

    @Test func `a file whose hash is known is found`() throws {
        let found = ScanResult.found("Test.Hash.UNOFFICIAL")
        #expect(try Scanner().scan(Samples.mail([Samples.hashed])) == found)
    }

    @Test func `an encrypted archive is unscannable`() throws {
        let result = try Scanner().scan(Samples.mail([Samples.encryptedZip]))
        #expect(result == .unscannable("encrypted"))
    }

    @Test func `a signature counts for more than what is unscannable`() throws {
        let message = Samples.mail([Samples.encryptedZip, Samples.eicar])
        #expect(try Scanner().scan(message) == Self.found)
    }

    @Test func `a RAR archive that libclamav has no module for is unscannable`() throws {
        let scanner = try Scanner()
        let archive = Array("Rar!\u{1A}\u{7}\0".utf8) + [UInt8](repeating: 0x55, count: 200)
        // Twice: what was found wanting once must not be known as clean.
        for _ in 1...2 {
            let result = try scanner.scan(Samples.mail([archive]))
            #expect(result == .unscannable("rar") || VirusEngine.opensRAR)
        }
        let message = Samples.mail([archive, Samples.eicar])
        #expect(try scanner.scan(message) == Self.found || VirusEngine.opensRAR)
    }

    @Test func `a message over the size is unscannable`() throws {
        let scanner = try Scanner { $0.size = 1000 }
        let message = Samples.mail([[UInt8](repeating: 0x61, count: 1000)])
        #expect(try scanner.scan(message) == .unscannable("size"))
    }

    @Test(arguments: [1_100_000, 5 << 20, 100 << 20])
    func `an archive that unpacks to more than the size is unscannable`(count: Int) throws {
        let scanner = try Scanner { $0.size = 1 << 20 }
        let bomb = try Samples.zip([UInt8](repeating: 0, count: count))
        #expect(try scanner.scan(Samples.mail([bomb])) == .unscannable("size"))
    }

    @Test func `archives nested too deep are unscannable`() throws {
        let scanner = try Scanner { $0.depth = 5 }
        var file = Samples.eicar
        for _ in 0..<8 { file = try Samples.zip(file) }
        #expect(try scanner.scan(Samples.mail([file])) == .unscannable("depth"))
    }

    @Test func `parts nested too deep are unscannable`() throws {
        var message = String(decoding: Samples.mail([Samples.eicar]), as: UTF8.self)
        for _ in 0..<60 { message = "Content-Type: message/rfc822\n\n" + message }
        #expect(try Scanner().scan(Array(message.utf8)) == .unscannable("depth"))
    }

    @Test func `too many files are unscannable`() throws {
        let scanner = try Scanner { $0.files = 10 }
        let files = (0..<50).map { Array("file \($0)".utf8) }
        #expect(try scanner.scan(Samples.mail(files)) == .unscannable("files"))
    }

    @Test func `a scan that takes too long is unscannable`() throws {
        let scanner = try Scanner { $0.time = .milliseconds(1) }
        let files = try (0..<40).map { number in
            try Samples.zip((0..<200_000).map { UInt8(truncatingIfNeeded: $0 * (number + 7) >> 3) })
        }
        #expect(try scanner.scan(Samples.mail(files)) == .unscannable("time"))
    }

    @Test func `a file that is shorter than it was said to be is not clean`() throws {
        let scanner = try Scanner()
        let path = try scanner.folder.write("short", Samples.mail([Array("hello".utf8)]))
        let file = try Files.open(path, O_RDONLY)
        let result = scanner.engine.scan(file.borrowed, offset: 0, length: 100_000)
        #expect(result == .failed("the message could not be read"))
    }

    @Test func `a folder without signatures is no scanner`() throws {
        let folder = try TestFolder()
        try folder.write("db/readme.txt", "nothing")
        #expect(throws: ScannerError.self) { try VirusEngine(database: folder.file("db")) }
        #expect(!VirusEngine.holdsSignatures(folder.file("db")))
        #expect(!VirusEngine.holdsSignatures(folder.file("missing")))
    }

    @Test func `a damaged set of signatures is no scanner`() throws {
        let folder = try TestFolder()
        try folder.write("db/test.ndb", "Test.Broken:0:*:zz\n")
        #expect(throws: ScannerError.self) { try VirusEngine(database: folder.file("db")) }
        #expect(VirusEngine.holdsSignatures(folder.file("db")))
    }

    @Test func `nothing stays in the temporary folder`() throws {
        let base: TestFolder
        do {
            let scanner = try Scanner()
            base = scanner.folder
            #expect(try scanner.scan(Samples.mail([Samples.zip(Samples.eicar)])) == Self.found)
            let shared = "chainmail-scan-\(geteuid())"
            #expect(base.names(in: shared).count == 1)
            // What a dead process left is removed by the next one.
            try base.write("\(shared)/1-dead/scan.tmp/file", "left behind")
            let other = try VirusEngine(database: base.file("db"))
            try other.open(temporary: base.path)
            #expect(base.names(in: shared).count == 2)
            withExtendedLifetime(scanner) {}
        }
        #expect(base.names(in: "chainmail-scan-\(geteuid())").isEmpty)
    }
}
