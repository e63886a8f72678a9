// Spool+Accept: how a message gets into the queue and is safe there.
// queue(5), section WHO WRITES WHAT WHEN.
// SPDX-License-Identifier: MIT

import Glibc
import MailModel
import UnixIO

extension Spool {
    /// Messages up to this size are copied with one write.
    private static let wholeCopy = 1 << 20

    /// A file for a message to be written to, without a name.
    /// - Throws: `QueueError.system`.
    public func nameless() throws(QueueError) -> NamelessFile {
        do throws(SystemError) {
            let file = try newFile()
            // Where O_TMPFILE is missing, commit copies this file to one with a name.
            if let name = file.temporaryName { try Files.unlink(name, in: root.borrowed) }
            let reading = try file.descriptor.reopenedForReading()
            return NamelessFile(writing: file.descriptor, reading: reading)
        } catch {
            throw .system(error)
        }
    }

    /// Accepts a message. When this returns, it is safe; when it throws, it may be in the queue
    /// or not, but never in part.
    /// - Parameters:
    ///   - submission: everything but the bytes.
    ///   - file: what `nameless` gave for writing; with `isCopied` any regular or memory file.
    ///   - submitter: `pid uid` of who brings it.
    ///   - now: microseconds since 1970.
    /// - Returns: what was stored.
    /// - Throws: `QueueError.badRequest` for a file that is not of its kind, `.system` else, with
    ///   `EEXIST` for an id that is in the queue.
    @discardableResult
    public func accept(
        _ submission: Submission, _ file: Descriptor, submitter: String, now: UInt64
    ) throws(QueueError) -> QueuedMessage {
        let message = QueuedMessage(submission, arrival: now, submitter: submitter)
        let range = submission.messageRange
        let (end, overflow) = range.offset.addingReportingOverflow(range.length)
        let status: Glibc.stat
        do throws(SystemError) { status = try file.status("message") } catch {
            throw .system(error)
        }
        guard status.st_mode & S_IFMT == S_IFREG else { throw .badRequest("not a file") }
        guard !overflow, end <= status.st_size else { throw .badRequest("the file is shorter") }
        try requireRoom(for: range.length)
        let place = submission.edits.hold ? MessagePlace.held : .new
        guard submission.isCopied else {
            guard isOurNameless(status) else { throw .badRequest("not a file of the queue") }
            try finish(message, file, size: Int(status.st_size), at: place)
            return message
        }
        return try copy(message, file, to: place)
    }

    /// Accepts a message that is in memory.
    @discardableResult
    public func accept(
        _ submission: Submission, bytes: [UInt8], submitter: String, now: UInt64
    ) throws(QueueError) -> QueuedMessage {
        var message = QueuedMessage(submission, arrival: now, submitter: submitter)
        (message.messageOffset, message.messageLength) = (0, bytes.count)
        let place = submission.edits.hold ? MessagePlace.held : .new
        do throws(SystemError) {
            try write(bytes + message.tailAndFooter, as: message.id, at: place)
        } catch {
            throw .system(error)
        }
        return message
    }

    /// Writes the tail behind a message that is in a nameless file of ours, and names it.
    private func finish(
        _ message: QueuedMessage, _ file: Descriptor, size: Int, at place: MessagePlace
    ) throws(QueueError) {
        let end = message.messageOffset + message.messageLength
        do throws(SystemError) {
            if size != end {
                try step("ftruncate") { () throws(SystemError) in
                    try file.truncate(to: end, "\(message.id)")
                }
            }
            try step("write") { () throws(SystemError) in
                try file.writeAll(message.tailAndFooter, at: end, "\(message.id)")
            }
            try publish(file, message.id, at: place)
        } catch {
            guard error.call == "linkat", error.errno == .noSuchFileOrDirectory else {
                throw .system(error)
            }
            try copy(message, file, to: place)
        }
    }

    @discardableResult
    private func copy(
        _ original: QueuedMessage, _ source: Descriptor, to place: MessagePlace
    ) throws(QueueError) -> QueuedMessage {
        var message = original
        message.messageOffset = 0
        do throws(SystemError) {
            let first = try source.bytes(
                at: original.messageOffset, count: min(Spool.wholeCopy, original.messageLength),
                "message")
            guard first.count == min(Spool.wholeCopy, original.messageLength) else {
                throw SystemError("pread", "message", .ioError)
            }
            if first.count == original.messageLength {
                try write(first + message.tailAndFooter, as: message.id, at: place)
            } else {
                try writeLong(message, source, from: original.messageOffset, at: place)
            }
        } catch {
            throw .system(error)
        }
        return message
    }

    /// Writes a whole message file with one write.
    private func write(
        _ bytes: [UInt8], as id: QueueID, at place: MessagePlace
    ) throws(SystemError) {
        let file = try newFile()
        try step("write") { () throws(SystemError) in
            try file.descriptor.borrowed.writeAll(bytes, at: 0, "\(id)")
        }
        try complete(file, id, at: place)
    }

    private func writeLong(
        _ message: QueuedMessage, _ source: Descriptor, from offset: Int, at place: MessagePlace
    ) throws(SystemError) {
        let file = try newFile()
        var done = 0
        while done < message.messageLength {
            let wanted = min(Spool.wholeCopy, message.messageLength - done)
            let chunk = try source.bytes(at: offset + done, count: wanted, "message")
            // The file became shorter since its size was looked at.
            guard chunk.count == wanted else { throw SystemError("pread", "message", .ioError) }
            try step("write") { () throws(SystemError) in
                try file.descriptor.borrowed.writeAll(chunk, at: done, "\(message.id)")
            }
            done += wanted
        }
        try step("write") { () throws(SystemError) in
            try file.descriptor.borrowed.writeAll(message.tailAndFooter, at: done, "\(message.id)")
        }
        try complete(file, message.id, at: place)
    }

    private func complete(
        _ file: borrowing NewFile, _ id: QueueID, at place: MessagePlace
    ) throws(SystemError) {
        guard let temporary = file.temporaryName else {
            return try publish(file.descriptor.borrowed, id, at: place)
        }
        try sync(file.descriptor.borrowed, id)
        let folder = try folder(place.folder(id))
        try step("linkat") { () throws(SystemError) in
            try Files.link(temporary, in: root.borrowed, as: id.description, in: folder)
        }
        try sync(folder: place.folder(id))
        try step("unlink temporary") { () throws(SystemError) in
            try Files.unlink(temporary, in: root.borrowed)
        }
    }

    private func sync(_ file: Descriptor, _ id: QueueID) throws(SystemError) {
        try step("fdatasync") { () throws(SystemError) in try file.syncData("\(id)") }
    }

    /// Gives a whole file its name. When this returns, both are on disk. Before, a crash leaves
    /// either nothing or the whole file; on an ext4 without a journal perhaps a cut one, which was
    /// never accepted and is set aside.
    private func publish(
        _ file: Descriptor, _ id: QueueID, at place: MessagePlace
    ) throws(SystemError) {
        guard ordersNames else {
            try sync(file, id)
            try link(file, id, at: place)
            return try sync(folder: place.folder(id))
        }
        try step("sync_file_range") { () throws(SystemError) in try file.writeOut("\(id)") }
        try link(file, id, at: place)
        do throws(SystemError) {
            try sync(folder: place.folder(id))
            // Where the journal has both, there is nothing left to do here.
            try sync(file, id)
        } catch {
            let folder = try folder(place.folder(id))
            try step("unlink unsafe") { () throws(SystemError) in
                try Files.unlink(id.description, in: folder)
            }
            throw error
        }
    }

    private func link(
        _ file: Descriptor, _ id: QueueID, at place: MessagePlace
    ) throws(SystemError) {
        let folder = try folder(place.folder(id))
        try step("linkat") { () throws(SystemError) in
            try Files.link(file, as: id.description, in: folder)
        }
    }
}

extension MessagePlace {
    /// The folder in the queue.
    func folder(_ id: QueueID) -> String {
        switch self {
        case .new: "new/\(id.folder)"
        case .deferred(let bucket): "deferred/\(bucket)"
        case .held: "held"
        }
    }
}
