// Tests of IncomingMessage: how much is kept of a message that will be refused.
// SPDX-License-Identifier: MIT

import MailModel
import MailQueue
import SMTPProtocol
import Testing

@testable import SMTPServer

@Suite struct IncomingMessageTests {
    private let piece = [UInt8](repeating: 0x61, count: 4000)

    private func room(_ free: Int? = nil) -> QueueRoom {
        QueueRoom(QueueClient(socket: "/nowhere"), margin: 1000) { _ in free }
    }

    private func message(
        _ room: QueueRoom, memory: Int = 1 << 20,
        _ change: (inout SessionSettings) -> Void = { _ in }
    ) -> IncomingMessage {
        var settings = SessionSettings(name: "mx.example.test")
        change(&settings)
        var limits = ServerLimits()
        limits.memory = memory
        return IncomingMessage(
            .data(DataDecoder()), settings, isStored: true, limits: limits, room: room)
    }

    private func take(_ bytes: [UInt8], _ message: inout IncomingMessage) {
        _ = bytes.withUnsafeBytes { message.take($0) }
    }

    @Test func `of a message that is too big nothing is kept`() {
        var message = message(room()) { $0.messageSize = 10_000 }
        take(piece, &message)
        let before = message.length
        #expect(before == 4000)
        for _ in 0..<3 { take(piece, &message) }
        let (after, code) = (message.length, message.refusal?.code)
        #expect(after == 0)
        #expect(code == 552)
    }

    @Test func `nor of one whose line is too long, before the line ends`() {
        var message = message(room()) { $0.messageLine = 10_000 }
        for _ in 0..<3 { take(piece, &message) }
        let (after, code) = (message.length, message.refusal?.code)
        #expect(after == 0)
        #expect(code == Reply.longLine.code)
    }

    @Test func `a message that would fill the queue's disk is refused while it comes`() {
        var message = message(room(3000), memory: 3000)
        take(piece, &message)
        let (after, code) = (message.length, message.refusal?.code)
        #expect(after == 0)
        #expect(code == 452)
    }

    @Test func `a queue that is not there refuses, and forgets no bytes of an accepted message`() {
        var message = message(room(), memory: 3000)
        take(piece, &message)
        let code = message.refusal?.code
        #expect(code == 451)
    }
}
