// Forwarding: mail that a recipient's instructions send on goes into the queue.
// deliver-local(8); queue(5), section FORWARDED MESSAGES.
// SPDX-License-Identifier: MIT

import Glibc
import MailModel
import MailQueue
import Recipients
import UnixIO

/// Hands over messages to queue-message, which copies them: the agent reads nothing of them.
struct Forwarding {
    /// How long queue-message may take.
    private static let patience = Duration.seconds(120)

    let queue: QueueClient

    /// Queues a message for the mailboxes that the instructions of one recipient name.
    /// - Returns: nil when it is queued, else why it is not.
    func submit(
        _ order: ForwardOrder, of place: Int, _ request: DeliveryRequest, _ file: Descriptor,
        owner: uid_t
    ) -> Reply? {
        let number =
            request.numbers.indices.contains(place) ? request.numbers[place] : nil
        let origin = number.map { ForwardOrigin(message: request.id, recipient: $0) }
        let session = SessionID(microseconds: WallClock.microseconds, random: Random.bits)
        var submission = Submission(
            id: origin?.id ?? session.message(1), envelope: envelope(order, place, request),
            edits: request.edits + Forwarding.trace(order, owner),
            messageOffset: request.messageOffset, messageLength: request.messageLength,
            isCopied: true)
        submission.forwardOf = origin
        switch queue.commit(submission, file, deadline: .after(Forwarding.patience)) {
        case .queued: return nil
        case .refused(let reply, _): return reply
        }
    }

    /// What was asked for a recipient is asked for those in its place, unless a list's owner takes
    /// the reports: RFC 3461, section 5.2.7.
    private func envelope(
        _ order: ForwardOrder, _ place: Int, _ request: DeliveryRequest
    ) -> Envelope {
        var envelope = Envelope(reversePath: order.sender)
        envelope.options = request.envelope.options
        let isSame = order.sender == request.envelope.reversePath
        if !isSame { envelope.options.envid = nil }
        var options =
            isSame ? request.envelope.options(ofRecipient: place) : RecipientOptions()
        // Several in the place of one: that the mail was sent on is the only success.
        if order.recipients.count > 1 { options.notify?.remove(.success) }
        for recipient in order.recipients { envelope.append(recipient, options) }
        return envelope
    }

    private static func trace(_ order: ForwardOrder, _ owner: uid_t) -> [Edit] {
        let date = MailDate(seconds: WallClock.seconds)
        let fields = [
            HeaderField(Array("Delivered-To".utf8), order.mailbox.bytes),
            HeaderField("Received", "(chainmail \(getpid()) invoked by uid \(owner)); \(date)"),
        ]
        return fields.compactMap { $0.map(Edit.prepend) }
    }
}
