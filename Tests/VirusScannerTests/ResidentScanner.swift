// ResidentScanner: a pool of virus-scan, asked as filter-chain asks it.
// SPDX-License-Identifier: MIT

import Glibc
import MailModel
import TestSupport
import UnixIO
import Workers

/// A resident virus-scan in a folder of its own.
final class ResidentScanner: Sendable {
    let folder: TestFolder
    let service: Service
    let socket: String

    init(_ folder: TestFolder, _ arguments: [String]) throws {
        self.folder = folder
        socket = folder.file("socket")
        var tool = try Tool("virus-scan", ["--serve", socket] + arguments)
        tool.environment = ["TMPDIR": folder.path]
        service = try Service(tool, log: folder.file("log"))
    }

    /// What is said of a message in a file that has a virus before it and behind it.
    func verdict(_ message: [UInt8], edits: [Edit] = [], isTrial: Bool = false) throws -> Verdict {
        let file = try Files.inMemory("message")
        try file.borrowed.writeAll(Samples.eicar + message + Samples.eicar, "message")
        let envelope = try Envelope(
            queueFormat: Array("Fa@example.org\0Tb@example.test\0\0".utf8))
        let request = FilterRequest(
            stage: .message, facts: Facts(), envelope: envelope, edits: edits,
            messageOffset: Samples.eicar.count, messageLength: message.count, isTrial: isTrial)
        let reading = try file.reopenedForReading()
        let reply = try Exchange.call(
            socket, request.fields, descriptors: [reading.borrowed],
            deadline: .after(.seconds(60)))
        return try FilterReply(reply.fields).verdict
    }

    /// The name in the refusal of a message; `accept` and the like without one.
    func word(_ message: [UInt8], edits: [Edit] = []) throws -> String {
        let verdict = try verdict(message, edits: edits)
        return verdict.reply?.text ?? verdict.word
    }
}
