// QuarantineFolderTests: tests Sources/Quarantine/QuarantineFolder.swift.
// SPDX-License-Identifier: MIT

import Glibc
import MailModel
import Quarantine
import TestSupport
import Testing
import UnixIO

struct QuarantineFolderTests {
    private let folder: TestFolder
    private let quarantine: QuarantineFolder
    private static let bytes = Array("Subject: x\n\nbad\0\u{FF}\n".utf8)

    init() throws {
        folder = try TestFolder()
        quarantine = QuarantineFolder(folder.file("quarantine"))
        try quarantine.prepare()
    }

    private func message(_ time: UInt64 = 1_700_000_000_000_000) throws -> QuarantinedMessage {
        var facts = Facts()
        facts[.clientIP] = Array("192.0.2.1".utf8)
        let envelope = try Envelope(
            queueFormat: Array("Fa@example.org\0Tb@x.test\0Tc@x.test\0\0".utf8))
        return QuarantinedMessage(
            time: time, random: Random.bits, filter: "virus-scan", reason: "Test \"x\"",
            envelope: envelope, facts: facts)
    }

    private func keep(_ message: QuarantinedMessage) throws {
        let file = try quarantine.newFile()
        try file.descriptor.borrowed.writeAll(Self.bytes, "message")
        try quarantine.keep(file, as: message)
    }

    @Test func `what was kept is there, byte for byte, with all that was known`() throws {
        let message = try message()
        try keep(message)
        #expect(try quarantine.ids() == [message.id])
        let kept = try quarantine.open(message.id)
        #expect(kept.message == message)
        #expect(kept.length == Self.bytes.count)
        #expect(try kept.file.borrowed.bytes(at: 0, count: kept.length, "x") == Self.bytes)
        #expect(try folder.read("quarantine/\(message.id)").starts(with: Self.bytes))
        let status = try #require(try Files.status(folder.file("quarantine/\(message.id)")))
        #expect(status.st_mode & 0o777 == 0o600)
    }

    @Test func `ids sort by time`() throws {
        let times: [UInt64] = [5_000_000, 1_000_000, 1_700_000_000_000_000, 3_000_000]
        for time in times { try keep(try message(time)) }
        let found = try quarantine.ids().map { try quarantine.open($0).message.time }
        #expect(found == times.sorted())
    }

    @Test func `a file that is not kept does not exist`() throws {
        do {
            let file = try quarantine.newFile()
            try file.descriptor.borrowed.writeAll(Self.bytes, "message")
        }
        #expect(folder.names(in: "quarantine").isEmpty)
    }

    @Test func `what a dead process left half written goes`() throws {
        try folder.write("quarantine/.1k160ep73ptw3y5jggrzx", "half")
        let message = try message()
        try keep(message)
        try quarantine.prepare()
        #expect(folder.names(in: "quarantine") == ["\(message.id)"])
    }

    @Test func `what is not ours stays where it is, and stops nobody`() throws {
        try folder.write("quarantine/.profile", "mine")
        try Files.makeFolder(folder.file("quarantine/.folder"))
        try Files.makeFIFO(folder.file("quarantine/.1k160ep73ptw3y5jggrzx"))
        try quarantine.prepare()
        #expect(folder.names(in: "quarantine").count == 3)
        #expect(try quarantine.ids().isEmpty)
    }

    @Test func `what is no file is damaged, and is not waited for`() throws {
        let names = ["1k160ep73ptw3y5jggrz1", "1k160ep73ptw3y5jggrz2", "1k160ep73ptw3y5jggrz3"]
        try Files.makeFIFO(folder.file("quarantine/\(names[0])"))
        try Files.makeFolder(folder.file("quarantine/\(names[1])"))
        #expect(symlink("/etc/passwd", folder.file("quarantine/\(names[2])")) == 0)
        for name in names {
            let id = try #require(SessionID(name.utf8))
            let error = #expect(throws: QuarantineError.self) {
                _ = try quarantine.open(id).length
            }
            guard case .damaged = error else {
                Issue.record("\(name): \(String(describing: error))")
                continue
            }
        }
    }

    @Test func `a copy under another name is not the message`() throws {
        let message = try message()
        try keep(message)
        let other = "1k160ep73ptw3y5jggrzx"
        try folder.write("quarantine/\(other)", try folder.read("quarantine/\(message.id)"))
        let id = try #require(SessionID(other.utf8))
        #expect(throws: QuarantineError.self) { _ = try quarantine.open(id).length }
        try quarantine.remove(id)
        #expect(try quarantine.ids() == [message.id])
    }

    @Test func `every file that is cut short or changed at its end is damaged`() throws {
        let message = try message()
        try keep(message)
        let name = "quarantine/\(message.id)"
        let whole = try folder.read(name)
        for count in 0..<whole.count {
            try folder.write(name, whole.prefix(count))
            #expect(throws: QuarantineError.self, "\(count)") {
                _ = try quarantine.open(message.id).length
            }
        }
        try folder.write(name, whole + [0])
        #expect(throws: QuarantineError.self) { _ = try quarantine.open(message.id).length }
        for index in (whole.count - 24)..<whole.count {
            var changed = whole
            changed[index] ^= 0xFF
            try folder.write(name, changed)
            #expect(throws: QuarantineError.self, "\(index)") {
                _ = try quarantine.open(message.id).length
            }
        }
    }

    @Test func `a message is removed once`() throws {
        let message = try message()
        try keep(message)
        try quarantine.remove(message.id)
        #expect(try quarantine.ids().isEmpty)
        #expect(throws: QuarantineError.missing("\(message.id)")) {
            try quarantine.remove(message.id)
        }
        #expect(throws: QuarantineError.missing("\(message.id)")) {
            _ = try quarantine.open(message.id).length
        }
    }

    @Test func `one process at a time is at a message`() throws {
        let message = try message()
        try keep(message)
        let first = try quarantine.open(message.id)
        let second = try quarantine.open(message.id)
        try first.lock()
        #expect(throws: QuarantineError.busy("\(message.id)")) { try second.lock() }
        #expect(throws: QuarantineError.busy("\(message.id)")) {
            try quarantine.remove(message.id)
        }
        try quarantine.remove(first)
        #expect(try quarantine.ids().isEmpty)
    }

    @Test func `what was removed meanwhile is not locked`() throws {
        let message = try message()
        try keep(message)
        let kept = try quarantine.open(message.id)
        try quarantine.remove(message.id)
        #expect(throws: QuarantineError.missing("\(message.id)")) { try kept.lock() }
    }

    @Test func `a folder that cannot be made is an error`() throws {
        try folder.write("file", "x")
        #expect(throws: QuarantineError.self) {
            try QuarantineFolder(folder.file("file/quarantine")).prepare()
        }
    }
}
