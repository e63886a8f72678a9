// Messages that a recipient's instructions send on: never twice.
// SPDX-License-Identifier: MIT

import MailModel
import TestSupport
import Testing
import UnixIO

@testable import MailQueue

@Suite struct ForwardTests {
    private let stage: QueueStage

    init() throws { stage = try QueueStage() }

    /// Hands over what a recipient of a message sends on, as deliver-local does.
    private func forward(_ origin: ForwardOrigin) throws {
        let mailbox = try Mailbox(Array("bob@remote.test".utf8))
        var submission = Submission(
            id: origin.id, envelope: Envelope(reversePath: .null, recipients: [mailbox]),
            messageLength: 5)
        submission.forwardOf = origin
        try stage.spool().accept(
            submission, bytes: Array("a: b\n".utf8), submitter: "test", now: stage.now)
    }

    private func records(of id: QueueID) throws -> [StateRecord] {
        try stage.spool().state(of: id).records
    }

    @Test func `the id follows from the message and the recipient`() {
        let one = ForwardOrigin(message: Samples.id(1), recipient: 0)
        #expect(one.id == ForwardOrigin(message: Samples.id(1), recipient: 0).id)
        #expect(one.id != ForwardOrigin(message: Samples.id(1), recipient: 1).id)
        #expect(one.id != ForwardOrigin(message: Samples.id(2), recipient: 0).id)
        #expect(one.id != one.message)
    }

    @Test func `before it is delivered, the message that it is of knows of it`() throws {
        let id = try stage.accept(["later@local.test"])
        try stage.run()
        try forward(ForwardOrigin(message: id, recipient: 0))
        try stage.run()
        #expect(stage.agents.delivered(to: "bob@remote.test").count == 1)
        #expect(try records(of: id).contains(.done(0, [ForwardOrigin.key])))
    }

    @Test func `a message whose end was never written down knows of it too`() throws {
        let id = Samples.id(7)
        try stage.accept(["later@local.test"], number: 7)
        try forward(ForwardOrigin(message: id, recipient: 0))
        try stage.run()
        #expect(stage.agents.delivered(to: "bob@remote.test").count == 1)
        #expect(try records(of: id).contains(.done(0, [ForwardOrigin.key])))
    }

    @Test func `of a message that is gone no state is made`() throws {
        try forward(ForwardOrigin(message: Samples.id(9), recipient: 0))
        try stage.run()
        #expect(stage.agents.delivered(to: "bob@remote.test").count == 1)
        #expect(stage.files.isEmpty)
    }

    @Test func `one that is in the queue is there, a stranger with its id is not`() throws {
        let origin = ForwardOrigin(message: Samples.id(1), recipient: 0)
        try forward(origin)
        let mailbox = try Mailbox(Array("bob@remote.test".utf8))
        var submission = Submission(
            id: origin.id, envelope: Envelope(reversePath: .null, recipients: [mailbox]),
            messageLength: 5)
        submission.forwardOf = origin
        let spool = try stage.spool()
        let taken = QueueError.system(SystemError("linkat", "x", .fileExists))
        #expect(spool.holds(submission, taken))
        #expect(!spool.holds(submission, .system(SystemError("linkat", "x", .noSpace))))
        submission.forwardOf = ForwardOrigin(message: Samples.id(2), recipient: 0)
        #expect(!spool.holds(submission, taken))
    }

    @Test func `it is read as it was written`() throws {
        var submission = Submission(
            id: Samples.id(1),
            envelope: Envelope(
                reversePath: .null, recipients: [try Mailbox(Array("a@b.test".utf8))]),
            messageLength: 0)
        submission.forwardOf = ForwardOrigin(message: Samples.id(2), recipient: 3)
        #expect(try Submission(submission.fields) == submission)
    }
}
