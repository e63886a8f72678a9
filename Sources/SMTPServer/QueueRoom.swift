// QueueRoom: whether the queue has room for a message, asked now and then.
// smtp-server(8), section Limits; RFC 1870, section 6.1.
// SPDX-License-Identifier: MIT

import FilterChain
import MailModel
import MailQueue
import UnixIO

/// What the queue last said. One in each worker.
final class QueueRoom {
    /// How long an answer holds.
    private static let patience = Duration.seconds(1)

    /// Nil where messages are not queued.
    private let queue: QueueClient?
    private let margin: Int
    private let ask: (QueueClient) -> Int?
    private var free: Int?
    private var asksAgain = Deadline.after(.zero)

    /// A look at the queue that leaves so many bytes free.
    init(
        _ queue: QueueClient?, margin: Int,
        ask: @escaping (QueueClient) -> Int? = { try? $0.room(deadline: .after(.seconds(2))) }
    ) {
        self.queue = queue
        self.ask = ask
        self.margin = margin
    }

    /// A nameless file for a message, in the queue where it will be.
    /// - Throws: `QueueError`, `SystemError`.
    func open(deadline: Deadline) throws -> NamelessFile {
        if let queue { return try queue.open(deadline: deadline) }
        let file = try ViewFile.temporary(for: .max)
        let reading = try file.reopenedForReading()
        return NamelessFile(writing: file, reading: reading)
    }

    /// Why no message that needs so many bytes can be taken now; nil when one can, and when the
    /// queue does not say: it is asked again when there is a message.
    func refusal(needed: Int) -> Reply? {
        guard margin > 0, let free = known, free < Int(clamping: UInt64(margin) + UInt64(needed))
        else { return nil }
        return QueueRefusal.diskFull.reply
    }

    private var known: Int? {
        if asksAgain.hasPassed {
            free = queue.flatMap(ask)
            asksAgain = .after(Self.patience)
        }
        return free
    }
}
