// AttackTests: messages that are made to hide something from the scanner.
// SPDX-License-Identifier: MIT

import Foundation
import Glibc
import MailModel
import Scanning
import TestSupport
import Testing
import UnixIO
import VirusScanner

@Suite(.serialized) struct AttackTests {
    private static let found = ScanResult.found("Test.EICAR.UNOFFICIAL")
    private let folder: TestFolder
    private let database: String

    init() throws {
        folder = try TestFolder()
        database = try Samples.database(in: folder)
    }

    private func scan(
        _ message: [UInt8], adding: [UInt8] = [], blocks: Set<BlockedContent> = [],
        _ change: (inout ScanLimits) -> Void = { _ in }
    ) throws -> ScanResult {
        var limits = ScanLimits()
        change(&limits)
        let engine = try VirusEngine(database: database, limits: limits, blocks: blocks)
        try engine.open(temporary: folder.path)
        let file = try Files.open(try folder.write("message", message), O_RDONLY)
        return engine.scan(file.borrowed, offset: 0, length: message.count, adding: adding)
    }

    private static func base64(_ bytes: [UInt8]) -> String {
        Data(bytes).base64EncodedString(options: [.lineLength76Characters, .endLineWithLineFeed])
    }

    @Test(arguments: [4096, 8192, 65_536, 131_072, 1 << 20, (1 << 20) + 4096, 2 << 20])
    func `a signature is found across the borders of pieces`(border: Int) throws {
        var message = Array("From: a@example.org\n\n".utf8)
        let line = Array((String(repeating: "x", count: 63) + "\n").utf8)
        while message.count < border - 100 { message += line }
        message += [UInt8](repeating: 0x20, count: border - 34 - message.count)
        message += Samples.eicar + Array(repeating: line, count: 2000).flatMap(\.self)
        #expect(try scan(message) == Self.found)
    }

    @Test func `a signature may lie in a field that was put on top, or across its end`() throws {
        let clean = Array("From: a@example.org\n\nhello\n".utf8)
        let field = Array("X-A: ".utf8) + Samples.eicar + [0x0A]
        #expect(try scan(clean, adding: field) == Self.found)
        let half = Samples.eicar.count / 2
        let first = Array("X-A: ".utf8) + Samples.eicar[..<half]
        #expect(try scan(Samples.eicar[half...] + clean, adding: first) == Self.found)
    }

    @Test func `a large attachment is decoded to its end`() throws {
        let file = [UInt8](repeating: 0x7A, count: 12 << 20) + Samples.eicar
        #expect(try scan(Samples.mail([file])) == Self.found)
    }

    private static let broken: [(String, @Sendable (String) -> String)] = [
        (
            "the last boundary is missing",
            { part in
                "Content-Type: multipart/mixed; boundary=b\n\n--b\n\(part)"
            }
        ),
        (
            "the boundary is quoted and folded",
            { part in
                "Content-Type: multipart/mixed;\n\tboundary=\"b\"\n\n--b\n\(part)\n--b--\n"
            }
        ),
        (
            "there are two boundaries",
            { part in
                "Content-Type: multipart/mixed; boundary=a; boundary=b\n\n--b\n\(part)\n--b--\n"
                    + "--a\n\(part)\n--a--\n"
            }
        ),
        (
            "there is a second Content-Type",
            { part in
                "Content-Type: text/plain\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\(part)"
            }
        ),
        (
            "the part says nothing of its type",
            { part in
                "Content-Type: multipart/mixed; boundary=b\n\n--b\n"
                    + part.replacingOccurrences(
                        of: "Content-Type: application/octet-stream\n", with: "")
                    + "\n--b--\n"
            }
        ),
        (
            "the encoding is in capitals and has a comment",
            { part in
                "Content-Type: multipart/mixed; boundary=b\n\n--b\n"
                    + part.replacingOccurrences(of: "base64", with: "BASE64 (x)") + "\n--b--\n"
            }
        ),
        (
            "blanks are before the colon",
            { part in
                "Content-Type : multipart/mixed; boundary=b\n\n--b\n\(part)\n--b--\n"
            }
        ),
        (
            "the type is nonsense",
            { part in
                "Content-Type: multipart/nonsense; boundary=b\n\n--b\n\(part)\n--b--\n"
            }
        ),
        (
            "parts are nested with one boundary",
            { part in
                "Content-Type: multipart/mixed; boundary=b\n\n--b\n"
                    + "Content-Type: multipart/mixed; boundary=b\n\n--b\n\(part)\n--b--\n--b--\n"
            }
        ),
        (
            "it is in the preamble's place",
            { part in
                "Content-Type: multipart/mixed; boundary=b\n\n\(part)\n--b\n\nx\n--b--\n"
            }
        ),
    ]

    @Test(arguments: broken.indices)
    func `what is broken about a message does not hide its part`(index: Int) throws {
        let part = """
            Content-Type: application/octet-stream
            Content-Transfer-Encoding: base64

            \(Self.base64(Samples.eicar))
            """
        let (what, make) = Self.broken[index]
        let message = "From: a@example.org\nMIME-Version: 1.0\n\(make(part))"
        #expect(try scan(Array(message.utf8)) == Self.found, "\(what)")
    }

    @Test(arguments: [1, 10, 21, 50, 100, 160, 200])
    func `an archive whose end is missing is not clean`(missing: Int) throws {
        let script = """
            import sys, zipfile, io
            out = io.BytesIO()
            with zipfile.ZipFile(out, 'w', zipfile.ZIP_DEFLATED) as archive:
                archive.writestr('a', sys.stdin.buffer.read() * 3)
                archive.writestr('b', bytes(range(256)) * 40)
            sys.stdout.buffer.write(out.getvalue())
            """
        let archive = try Samples.python(script, [], Samples.eicar)
        #expect(try scan(Samples.mail([archive])) == Self.found)
        let cut = Array(archive.dropLast(missing))
        #expect(try scan(Samples.mail([cut])) == .unscannable("damaged archive"))
        #expect(try scan(Samples.mail([cut, Samples.eicar])) == Self.found)
    }

    @Test func `an archive whose list of files is elsewhere than it says is not clean`() throws {
        var archive = try Samples.zip(Samples.eicar + Samples.eicar)
        // The lowest byte of the list's place, at the end.
        archive[archive.count - 6] ^= 1
        #expect(try scan(Samples.mail([archive])) == .unscannable("damaged archive"))
    }

    /// What is changed in an archive of one file, and the place of the change in what is before it.
    @Test(arguments: [
        ("the size before the file", 18, [5, 0, 0, 0]), ("no size there", 18, [0, 0, 0, 0]),
        ("a size that stands elsewhere", 18, [0xFF, 0xFF, 0xFF, 0xFF]),
        ("the length of the name", 26, [0, 0x20]), ("the method before the file", 8, [12, 0]),
    ])
    func `an archive that says two things about a file is not clean`(
        what: String, place: Int, value: [UInt8]
    ) throws {
        var archive = try Samples.zip(Samples.eicar + Samples.eicar)
        archive.replaceSubrange(place..<(place + value.count), with: value)
        #expect(try scan(Samples.mail([archive])) == .unscannable("damaged archive"), "\(what)")
    }

    @Test func `nor is one of a document`() throws {
        let script = """
            import sys, zipfile, io
            out = io.BytesIO()
            with zipfile.ZipFile(out, 'w', zipfile.ZIP_DEFLATED) as archive:
                archive.writestr('[Content_Types].xml', '<Types/>' * 20)
                archive.writestr('_rels/.rels', 'x' * 100)
                archive.writestr('word/document.xml', sys.stdin.buffer.read() * 3)
            sys.stdout.buffer.write(out.getvalue())
            """
        var archive = try Samples.python(script, [], Samples.eicar)
        #expect(try scan(Samples.mail([archive])) == Self.found)
        let name = Array("word/document.xml".utf8)
        let last = try #require(
            archive.indices.first { archive[$0...].starts(with: name) })
        // Its size, which is before its name.
        archive.replaceSubrange((last - 12)..<(last - 8), with: [5, 0, 0, 0])
        #expect(try scan(Samples.mail([archive])) == .unscannable("damaged archive"))
    }

    @Test(arguments: [("ZIP_LZMA", ScanResult.unscannable("archive method")), ("ZIP_BZIP2", found)])
    func `an archive packed in a way that libclamav does not know is not clean`(
        method: String, result: ScanResult
    ) throws {
        let script = """
            import sys, zipfile, io
            out = io.BytesIO()
            with zipfile.ZipFile(out, 'w', zipfile.ZIP_DEFLATED) as archive:
                archive.writestr('a', b'hello')
                archive.writestr('b', sys.stdin.buffer.read(), getattr(zipfile, sys.argv[1]))
            sys.stdout.buffer.write(out.getvalue())
            """
        let archive = try Samples.python(script, [method], Samples.eicar)
        #expect(try scan(Samples.mail([archive])) == result)
        #expect(try scan(Samples.mail([archive, Samples.eicar])) == Self.found)
    }

    @Test func `an archive that was written as a stream is whole`() throws {
        let script = """
            import sys, zipfile
            class Stream:
                def write(self, data): return sys.stdout.buffer.write(data)
                def flush(self): sys.stdout.buffer.flush()
            with zipfile.ZipFile(Stream(), 'w', zipfile.ZIP_DEFLATED) as archive:
                archive.writestr('a', sys.stdin.buffer.read())
                archive.writestr('folder/', b'')
            """
        let make = { (file: [UInt8]) in Samples.mail([try Samples.python(script, [], file)]) }
        #expect(try scan(make(Array("hello".utf8))) == .clean)
        #expect(try scan(make(Samples.eicar)) == Self.found)
    }

    @Test func `an archive with a comment is whole`() throws {
        let script = """
            import sys, zipfile, io
            out = io.BytesIO()
            with zipfile.ZipFile(out, 'w', zipfile.ZIP_DEFLATED) as archive:
                archive.writestr('a', b'hello')
                archive.comment = b'x' * 65535
            sys.stdout.buffer.write(out.getvalue())
            """
        #expect(try scan(Samples.mail([try Samples.python(script, [], [])])) == .clean)
    }

    @Test func `an archive in many archives is a matter of depth and size, not of hours`() throws {
        // Sixteen in each of four levels: 65,536 files of 100 KiB.
        let script = """
            import sys, zipfile, io
            data, name = bytes(100000), 'x.bin'
            for level in range(4):
                out = io.BytesIO()
                with zipfile.ZipFile(out, 'w', zipfile.ZIP_DEFLATED) as archive:
                    for number in range(16): archive.writestr(str(number) + name, data)
                data, name = out.getvalue(), '.zip'
            sys.stdout.buffer.write(data)
            """
        let bomb = try Samples.python(script, [], [])
        #expect(bomb.count < 1 << 20)
        let begin = ContinuousClock.now
        let result = try scan(Samples.mail([bomb])) { $0.time = .seconds(20) }
        #expect(
            [.unscannable("size"), .unscannable("files"), .unscannable("time")].contains(result))
        #expect(ContinuousClock.now - begin < .seconds(50))
    }

    @Test func `macros pass unless they are blocked`() throws {
        let message = Samples.mail([try Samples.workbook()])
        #expect(try scan(message) == .clean)
        let name = "Heuristics.OLE2.ContainsMacros.XLM"
        #expect(try scan(message, blocks: [.macros]) == .found(name))
    }

    @Test func `links that lie pass unless they are blocked`() throws {
        try folder.write("db/test.pdb", "H:bank.test\n")
        let message = Array(
            """
            From: a@example.org
            MIME-Version: 1.0
            Content-Type: text/html

            <a href="http://evil.test/login">http://www.bank.test/login</a>

            """.utf8)
        #expect(try scan(message) == .clean)
        let name = "Heuristics.Phishing.Email.SpoofedDomain"
        #expect(try scan(message, blocks: [.phishing]) == .found(name))
    }

    @Test func `what is blocked counts for more than what could not be looked into`() throws {
        var deep = Array("x".utf8)
        for _ in 0..<8 { deep = try Samples.zip(deep) }
        let limits = { (limits: inout ScanLimits) in limits.depth = 5 }
        for files in [[deep, Samples.encryptedZip], [Samples.encryptedZip, deep]] {
            let message = Samples.mail(files)
            let found = ScanResult.found("Heuristics.Encrypted.Zip")
            #expect(try scan(message, blocks: [.encrypted], limits) == found)
            let virus = Samples.mail(files + [Samples.eicar])
            #expect(try scan(virus, blocks: [.encrypted], limits) == Self.found)
        }
        #expect(
            try scan(Samples.mail([deep]), blocks: [.encrypted], limits) == .unscannable("depth"))
    }
}
