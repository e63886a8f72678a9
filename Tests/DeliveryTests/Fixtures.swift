// What the tests of delivery share: stored messages, roots, agents.
// SPDX-License-Identifier: MIT

import Control
import Glibc
import MailModel
import Resolver
import TestSupport
import Testing
import UnixIO

@testable import Delivery

func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

/// A message as the queue holds it: something before it, something behind it.
final class StoredMessage {
    private static let before = Array("before: not the message\n".utf8)
    private static let after = Array("\0behind: not the message".utf8)

    let file: OwnedDescriptor
    let length: Int

    init(_ message: [UInt8]) throws {
        file = try Files.inMemory("message")
        length = message.count
        try file.borrowed.writeAll(Self.before + message + Self.after, "message")
    }

    convenience init(_ text: String) throws { try self.init(Array(text.utf8)) }

    func request(
        _ recipients: [String], from sender: String = "sender@x.test", _ edits: [Edit] = [],
        domain: String? = nil
    ) throws -> DeliveryRequest {
        let id = SessionID(microseconds: 1, random: 2).message(3)
        let envelope = Envelope(
            reversePath: try ReversePath(Array(sender.utf8)),
            recipients: try recipients.map { try Mailbox(Array($0.utf8)) })
        return DeliveryRequest(
            id: id, channel: domain == nil ? .local : .remote,
            domain: domain.map { Array($0.utf8) },
            envelope: envelope, edits: edits, messageOffset: Self.before.count,
            messageLength: length)
    }
}

/// A root with control files.
func makeRoot(_ folder: TestFolder, _ files: [String: String]) throws -> Root {
    try folder.write("root/etc/control/me", "mx.us.test\n")
    for (name, text) in files { try folder.write("root/etc/control/\(name)", text) }
    return Root(folder.file("root"))
}

func field(_ name: String, _ body: String) throws -> HeaderField {
    try #require(HeaderField(name, body))
}
