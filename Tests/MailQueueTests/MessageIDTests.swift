import Glibc
import MailModel
import TestSupport
import Testing
import UnixIO

@testable import MailQueue

/// The Message-ID that the log tells of a message.
@Suite struct MessageIDTests {
    private static let id = Array("<a@b.test>".utf8)

    private func found(_ head: String, _ edits: [Edit] = []) throws -> [UInt8]? {
        let file = try Files.inMemory("message")
        try file.borrowed.writeAll(Array(("before" + head).utf8), at: 0, "message")
        var submission = Submission(
            id: SessionID(microseconds: 1, random: 2).message(1),
            envelope: Envelope(reversePath: .null, recipients: []), edits: edits,
            messageLength: head.utf8.count)
        submission.messageOffset = 6
        return submission.messageID(in: file.borrowed)
    }

    @Test(arguments: [
        "Message-ID: <a@b.test>\n\n", "Subject: x\nmessage-id:<a@b.test>\n\nbody",
        "Received: from a\n\tby b\nMessage-Id :\n  <a@b.test> \nTo: c\n\n",
        "Message-ID: <a@b.test>", "Message-ID: <a@b.test>\nMessage-ID: <c@d.test>\n\n",
        "Message-IDs: x\nMessage-ID: <a@b.test>\r\n\r\n",
    ])
    func `the topmost field is told, however it is written`(_ head: String) throws {
        #expect(try found(head) == MessageIDTests.id)
    }

    @Test(arguments: [
        "", "\n", "Subject: x\n\nMessage-ID: <a@b.test>\n", "X-Message-ID: <a@b.test>\n\n",
        "Subject: x\n Message-ID: <a@b.test>\n\n", "Message-ID:\n\n", "Message-ID: \n \n\n",
        "Message-ID", String(repeating: "X: y\n", count: 10_000) + "Message-ID: <a@b.test>\n\n",
    ])
    func `where there is none, or it is far below, nothing is told`(_ head: String) throws {
        #expect(try found(head) == nil)
    }

    @Test func `a value of any length is cut`() throws {
        let field = "Message-ID: <" + String(repeating: "a\n ", count: 5_000) + ">\n\n"
        #expect(try #require(try found(field)).count <= 998)
    }

    @Test func `edits are looked at first`() throws {
        let old = "Message-ID: <old@b.test>\n\n"
        let added = try #require(HeaderField("Message-ID", "<a@b.test>"))
        let removed = Edit.remove(name: Array("message-id".utf8))
        #expect(try found(old, [.prepend(added)]) == MessageIDTests.id)
        #expect(try found(old, [removed]) == nil)
        #expect(try found(old, [removed, .prepend(added)]) == MessageIDTests.id)
        #expect(try found(old, [.prepend(added), removed]) == nil)
    }
}
