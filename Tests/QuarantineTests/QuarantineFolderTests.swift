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
        try folder.write("quarantine/.left", "half")
        let message = try message()
        try keep(message)
        try quarantine.prepare()
        #expect(folder.names(in: "quarantine") == ["\(message.id)"])
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
        try quarantine.remove(message.id)
        withExtendedLifetime(first) {}
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
