// QuarantineRelease: a message from quarantine into the queue.
// quarantine(5), section RELEASE.
// SPDX-License-Identifier: MIT

import Control
import Glibc
import MailModel
import MailQueue
import Quarantine
import UnixIO

/// Releases messages. The id in the queue follows from the id in quarantine: a release that was
/// cut off between the two and is done again meets its own message there.
struct QuarantineRelease {
    private static let limit = Duration.seconds(60)

    private let root: Root

    init(_ root: Root) { self.root = root }

    /// Queues a message and then, never before it is safe in the queue, removes it.
    /// - Returns: its id in the queue.
    func release(_ id: SessionID, from folder: QuarantineFolder) throws -> QueueID {
        let kept = try folder.open(id)
        try kept.lock()
        let id = kept.message.id.message(1)
        guard let envelope = kept.message.envelope, !envelope.recipients.isEmpty else {
            throw QuarantineError.damaged(
                "\(kept.message.id)", "it has no recipient: take it out by show --message")
        }
        let submission = Submission(
            id: id, envelope: envelope, edits: trace.map { [.prepend($0)] } ?? [],
            facts: kept.message.facts, messageLength: kept.length, isCopied: true)
        try queue(submission, kept.file.borrowed)
        try folder.remove(kept)
        return id
    }

    private var trace: HeaderField? {
        let date = MailDate(seconds: WallClock.seconds)
        return HeaderField(
            "Received", "(chainmail quarantine, released by uid \(getuid())); \(date)")
    }

    private func queue(_ submission: Submission, _ file: Descriptor) throws {
        let client = QueueClient(socket: root.socket("queue-message"))
        let outcome = client.commit(submission, file, deadline: .after(Self.limit))
        guard case .refused(let reply, _) = outcome else { return }
        if outcome == .refused(QueueRefusal.duplicate) { return }
        guard outcome == .refused(QueueRefusal.unavailable) else {
            throw Failure.refused("\(reply)")
        }
        try spool(submission, file)
    }

    /// Nobody serves the queue: whoever owns it may write to it.
    private func spool(_ submission: Submission, _ file: Descriptor) throws {
        let path = "\(root.spool)/queue"
        guard let status = try Files.status(path), status.st_uid == geteuid() else {
            throw Failure.refused("queue-message does not answer, and the queue is not yours")
        }
        let spool = try Spool(path)
        do throws(QueueError) {
            try spool.accept(
                submission, file, submitter: "\(getpid()) \(getuid())",
                now: WallClock.microseconds)
        } catch {
            // It may have come there by an earlier release.
            guard case .system(let cause) = error, cause.errno == .fileExists else { throw error }
        }
        spool.pullTrigger(submission.id)
    }
}
