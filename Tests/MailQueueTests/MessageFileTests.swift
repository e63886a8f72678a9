import Glibc
import MailModel
import Testing
import UnixIO

@testable import MailQueue

@Suite struct MessageFileTests {
    private func message(_ recipients: Int = 2) throws -> QueuedMessage {
        var envelope = try Samples.envelope()
        for number in 0..<recipients {
            envelope.append(try Mailbox(Array("r\(number)@example.test".utf8)))
        }
        envelope.options.ret = .headers
        envelope.append(
            try Mailbox(Array("last@example.test".utf8)), RecipientOptions(notify: .never))
        let field = try #require(HeaderField("Received", "by us"))
        var submission = Samples.submission(
            envelope, [.prepend(field), .remove(name: Array("Bcc".utf8))])
        submission.facts[.clientIP] = Array("192.0.2.1".utf8)
        submission.reportOn = Samples.id(9)
        return QueuedMessage(submission, arrival: Samples.now, submitter: "1 2")
    }

    private func read(_ bytes: [UInt8]) throws -> QueuedMessage {
        let file = try Files.inMemory("message")
        try file.borrowed.writeAll(bytes, at: 0, "message")
        return try MessageFooter.read(file.borrowed, "message")
    }

    // 300 recipients make a tail of more than the 4 KiB that are read at once.
    @Test(arguments: [0, 2, 300])
    func `what was written is read`(recipients: Int) throws {
        let message = try message(recipients)
        #expect(try read(Samples.text + message.tailAndFooter) == message)
    }

    @Test func `a file from before there were options is read`() throws {
        var tail = Fields()
        for (name, value) in [
            ("chainmail", "1"), ("id", "\(Samples.id())"), ("arrival", "12"), ("submitter", "1 2"),
            ("reverse-path", "a@b.test"), ("recipient", "c@d.test"),
            ("fact.body-type", "8BITMIME"),
        ] { tail.append(name, value) }
        let footer = MessageFooter(
            messageOffset: 0, messageLength: Samples.text.count, tailOffset: Samples.text.count,
            tailLength: tail.frame.count)
        let message = try read(Samples.text + tail.frame + footer.bytes(tail: tail.frame))
        #expect(message.envelope.recipients.map(\.description) == ["c@d.test"])
        #expect(message.envelope.options.bodyType == .eightBitMIME)
        #expect(message.envelope.options(ofRecipient: 0).isEmpty)
    }

    @Test func `a file that was cut anywhere is damaged`() throws {
        let bytes = Samples.text + (try message()).tailAndFooter
        for length in bytes.indices {
            #expect(throws: QueueError.self) { try read(Array(bytes[..<length])) }
        }
    }

    @Test func `a bit that is wrong in tail or footer is damage`() throws {
        let bytes = Samples.text + (try message()).tailAndFooter
        for index in Samples.text.count..<bytes.count {
            for bit in 0..<8 {
                var wrong = bytes
                wrong[index] ^= 1 << UInt8(bit)
                #expect(throws: QueueError.self, "bit \(bit) of byte \(index)") {
                    try read(wrong)
                }
            }
        }
    }

    @Test func `bytes behind the footer are damage`() throws {
        let bytes = Samples.text + (try message()).tailAndFooter
        #expect(throws: QueueError.self) { try read(bytes + [0]) }
    }

    @Test func `offsets that overflow are damage`() throws {
        let tail: [UInt8] = []
        for numbers in [
            [Int.max, 1, 0, 0], [0, 0, Int.max, Int.max], [5, 5, 0, 0], [-1, 1, 0, 0],
        ] {
            let footer = MessageFooter(
                messageOffset: numbers[0], messageLength: numbers[1], tailOffset: numbers[2],
                tailLength: numbers[3])
            #expect(throws: QueueError.self) { try read(footer.bytes(tail: tail)) }
        }
    }
}
