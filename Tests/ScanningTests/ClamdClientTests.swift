// ClamdClientTests: tests Sources/Scanning/ClamdClient.swift against a clamd that lies.
// SPDX-License-Identifier: MIT

import Glibc
import Scanning
import TestSupport
import Testing
import UnixIO

struct ClamdClientTests {
    private static let message = Array("From: a@example.org\n\nhello\n".utf8)

    private func scan(
        _ addresses: [ClamdAddress], _ bytes: [UInt8] = message, limit: Duration = .seconds(20),
        blocks: Set<BlockedContent> = []
    ) throws -> (result: ScanResult, by: ClamdAddress?) {
        let file = try Files.inMemory("message")
        try file.borrowed.writeAll(bytes, "message")
        return ClamdClient(addresses, limit: limit, blocks: blocks)
            .scan(file.borrowed, length: bytes.count)
    }

    @Test(arguments: [
        ("stream: OK\0", ScanResult.clean),
        ("stream: Eicar-Signature FOUND\0", .found("Eicar-Signature")),
        (
            "stream: Eicar(44d88612fea8a8f36de82e1278abb02f:68) FOUND\0",
            .found("Eicar(44d88612fea8a8f36de82e1278abb02f:68)")
        ),
        ("stream: Heuristics.Encrypted.Zip FOUND\0", .unscannable("encrypted")),
        ("stream: Heuristics.Limits.Exceeded.MaxRecursion FOUND\0", .unscannable("depth")),
        ("stream: Heuristics.Limits.Exceeded.MaxFileSize FOUND\0", .unscannable("size")),
        ("stream: Heuristics.Limits.Exceeded.MaxFiles FOUND\0", .unscannable("files")),
        ("stream: Heuristics.Limits.Exceeded.MaxScanTime FOUND\0", .unscannable("time")),
        ("INSTREAM size limit exceeded. ERROR\0", .unscannable("size")),
        ("stream: Time limit reached ERROR\0", .unscannable("time")),
    ])
    func `a whole reply says what it says`(reply: String, result: ScanResult) throws {
        let clamd = try FakeClamd(.reply(reply))
        let answer = try scan([clamd.address])
        #expect(answer.result == result)
        #expect(answer.by == clamd.address)
        let visit = FakeClamd.Visit(command: "zINSTREAM", bytes: Self.message, fileSize: nil)
        #expect(clamd.visits == [visit])
    }

    @Test(arguments: [
        "", "stream: OK", "stream: OK\n", "OK\0", "stream:OK\0", "stream: OK \0", "stream: ok\0",
        "stream: OK\0stream: OK\0", "stream: OK\0\0", "stream:  FOUND\0", "stream: FOUND\0", "\0",
        "fd[3]: OK\0", "streams: OK\0", "stream[: OK\0", "stream: not OK\0", "PONG\0",
        "UNKNOWN COMMAND\0", "stream: Can't allocate memory ERROR\0",
        String(repeating: "x", count: 10_000),
    ])
    func `what is no whole reply is no clean message`(reply: String) throws {
        let clamd = try FakeClamd(.reply(reply))
        guard case .failed = try scan([clamd.address]).result else {
            Issue.record("\(reply) was taken for an answer")
            return
        }
    }

    @Test func `a Unix socket gets a descriptor of exactly the message`() throws {
        let folder = try TestFolder()
        let clamd = try FakeClamd(.reply("fd[12]: OK\0"), path: folder.file("clamd"))
        #expect(try scan([clamd.address]).result == .clean)
        let visit = FakeClamd.Visit(
            command: "zFILDES", bytes: Self.message, fileSize: Self.message.count)
        #expect(clamd.visits == [visit])
    }

    @Test func `where descriptors are refused the message is streamed`() throws {
        let folder = try TestFolder()
        let clamd = try FakeClamd(
            .streamsOnly("stream: Eicar FOUND\0"), path: folder.file("clamd"))
        #expect(try scan([clamd.address]).result == .found("Eicar"))
        #expect(clamd.visits.map(\.command) == ["zFILDES", "zINSTREAM"])
        #expect(clamd.visits.last?.bytes == Self.message)
    }

    @Test func `a long message arrives whole`() throws {
        let clamd = try FakeClamd(.reply("stream: OK\0"))
        let bytes = (0..<1_000_003).map { UInt8(truncatingIfNeeded: $0 * 7 >> 3) }
        #expect(try scan([clamd.address], bytes).result == .clean)
        #expect(clamd.visits.first?.bytes == bytes)
    }

    @Test func `who says that it is clean without having read it is not believed`() throws {
        let clamd = try FakeClamd(.hasty("stream: OK\0"))
        let bytes = [UInt8](repeating: 0x61, count: 8 << 20)
        guard case .failed = try scan([clamd.address], bytes).result else {
            Issue.record("it was believed")
            return
        }
    }

    @Test func `the first that answers decides, in the order given`() throws {
        let folder = try TestFolder()
        let closes = try FakeClamd(.close)
        let errs = try FakeClamd(.reply("stream: Can't create temporary file ERROR\0"))
        let lies = try FakeClamd(.reply("it is fine\0"))
        let good = try FakeClamd(.reply("stream: Eicar FOUND\0"))
        let last = try FakeClamd(.reply("stream: OK\0"))
        let nobody = ClamdAddress.local(folder.file("nobody"))
        let answer = try scan([
            nobody, closes.address, errs.address, lies.address, good.address, last.address,
        ])
        #expect(answer.result == .found("Eicar"))
        #expect(answer.by == good.address)
        #expect(last.visits.isEmpty)
    }

    @Test func `one that hangs leaves time for the next one`() throws {
        let hangs = try FakeClamd(.hang)
        let good = try FakeClamd(.reply("stream: OK\0"))
        let answer = try scan([hangs.address, good.address], limit: .seconds(1))
        #expect(answer.result == .clean)
        #expect(answer.by == good.address)
    }

    @Test func `when all hang nothing is known, in time`() throws {
        let hangs = try FakeClamd(.hang)
        let begin = ContinuousClock.now
        let answer = try scan([hangs.address, hangs.address], limit: .milliseconds(300))
        #expect(ContinuousClock.now - begin < .seconds(15))
        guard case .failed(let reason) = answer.result else {
            Issue.record("\(answer.result)")
            return
        }
        #expect(reason.contains("no answer in time"))
    }

    @Test(arguments: [
        (BlockedContent.encrypted, "Heuristics.Encrypted.PDF"),
        (.macros, "Heuristics.OLE2.ContainsMacros.VBA"),
        (.phishing, "Heuristics.Phishing.Email.SpoofedDomain"),
    ])
    func `what is blocked is found`(kind: BlockedContent, name: String) throws {
        let clamd = try FakeClamd(.reply("stream: \(name) FOUND\0"))
        #expect(try scan([clamd.address], blocks: [kind]).result == .found(name))
        #expect(kind.includes(name))
    }

    @Test(arguments: [
        ("/run/clamd.sock", "/run/clamd.sock"), ("./clamd", "./clamd"),
        ("127.0.0.1:3310", "127.0.0.1:3310"), ("[::1]:3310", "[::1]:3310"),
        ("localhost:3310", "127.0.0.1:3310"), ("localhost", nil), ("127.0.0.1", nil),
        ("clamd.example.org:3310", nil), ("127.0.0.1:0", nil), ("", nil),
    ])
    func `an address is a path or numbers`(text: String, address: String?) {
        #expect(ClamdAddress(Array(text.utf8))?.description == address)
    }

    @Test func `a clamd that says nothing of what it did not scan is found out`() throws {
        let folder = try TestFolder()
        let silent = ClamdAddress.local(folder.file("nobody"))
        let blind = try FakeClamd(.reply("stream: OK\0"))
        let good = try FakeClamd(.reply("stream: Heuristics.Encrypted.Zip FOUND\0"))
        let client = ClamdClient(
            [silent, blind.address, good.address], limit: .seconds(20), blocks: [])
        let findings = client.probe()
        #expect(findings.count == 3)
        #expect(findings.contains(.unsaid(blind.address, setting: "AlertEncrypted")))
        #expect(findings.contains(.unsaid(blind.address, setting: "AlertExceedsMax")))
        guard case .silent(silent, _) = findings.first else {
            Issue.record("\(findings)")
            return
        }
    }
}
