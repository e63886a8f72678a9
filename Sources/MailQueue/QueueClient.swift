// QueueClient: the way into the queue for who does not own it.
// queue(5), section CLIENT PROTOCOL.
// SPDX-License-Identifier: MIT

import Glibc
import MailModel
import UnixIO
import Workers

/// A file of the queue that has no name yet. When it is not committed, it does not exist.
public struct NamelessFile: ~Copyable {
    /// To write the message, from offset 0 on, and to commit.
    public let writing: OwnedDescriptor
    /// Opened separately, for reading only: the one to pass on.
    public let reading: OwnedDescriptor

    /// Both descriptors of one file.
    public init(writing: consuming OwnedDescriptor, reading: consuming OwnedDescriptor) {
        self.writing = writing
        self.reading = reading
    }

    /// The descriptor to write, for who passes the other one to nobody.
    consuming func onlyWriting() -> OwnedDescriptor { writing }
}

/// Asks the resident queue-message. Each call is one connection of its own and may come from any
/// process; nothing is kept between calls.
public struct QueueClient: Sendable {
    /// The socket of queue-message.
    public let socket: String

    /// A client of the service at this socket: `Root.socket("queue-message")`.
    public init(socket: String) { self.socket = socket }

    /// A nameless file in the queue, for a message of any size.
    /// - Throws: `QueueError`; `.unavailable` when nobody listens.
    public func open(deadline: Deadline) throws(QueueError) -> NamelessFile {
        var request = Fields()
        request.append("request", "open")
        var message = try exchange(request, [], deadline)
        if let outcome = QueueOutcome(message.fields), case .refused(let reply, let exit) = outcome
        {
            throw .refused(reply, exit)
        }
        guard message.fields.text("status") == "opened", let writing = message.first.take(),
            let reading = message.second.take()
        else { throw .badAnswer(socket) }
        return NamelessFile(writing: writing, reading: reading)
    }

    /// How many bytes the queue could take now, what it keeps for itself left out.
    /// - Throws: `QueueError`.
    public func room(deadline: Deadline) throws(QueueError) -> Int {
        var request = Fields()
        request.append("request", "room")
        let answer = try exchange(request, [], deadline).fields
        guard answer.text("status") == "room", let free = try? answer.number("free") else {
            throw .badAnswer(socket)
        }
        return free
    }

    /// Hands over a message. When this returns `.queued`, it is safe on disk. The file is
    /// `NamelessFile.writing`, or with `isCopied` any regular or memory file.
    /// - Returns: `.refused` also when the service is away, hangs or answers nonsense. The message
    ///   may have been queued all the same, as with any reply that gets lost.
    public func commit(
        _ submission: Submission, _ file: Descriptor, deadline: Deadline
    ) -> QueueOutcome {
        do throws(QueueError) {
            return try submit(submission, file, deadline: deadline)
        } catch {
            return error.outcome
        }
    }

    /// The same, for who can do without the service.
    func submit(
        _ submission: Submission, _ file: Descriptor, deadline: Deadline
    ) throws(QueueError) -> QueueOutcome {
        let answer = try exchange(submission.fields, [file], deadline)
        guard let outcome = QueueOutcome(answer.fields) else { throw .badAnswer(socket) }
        if case .queued(let id) = outcome, id != submission.id { throw .badAnswer(socket) }
        return outcome
    }

    private func exchange(
        _ request: Fields, _ descriptors: [Descriptor], _ deadline: Deadline
    ) throws(QueueError) -> Message {
        do throws(ExchangeError) {
            return try Exchange.call(
                socket, request, descriptors: descriptors, deadline: deadline)
        } catch {
            throw QueueError(error, socket)
        }
    }
}
