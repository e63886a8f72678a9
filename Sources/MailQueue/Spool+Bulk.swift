// Spool+Bulk: many messages at once, without a sync for each.
// queue(5).
// SPDX-License-Identifier: MIT

import Glibc
import MailModel
import UnixIO

extension Spool {
    /// Puts a message where it belongs, with what became of it so far, and syncs nothing: nobody
    /// may rely on it before sync(2). A crash leaves a state without a message at most, which is
    /// swept, or on some file systems a message that is cut short, which is set aside.
    /// - Parameters:
    ///   - submission: everything but the bytes.
    ///   - bytes: the message.
    ///   - arrival: microseconds since 1970.
    ///   - records: what goes into its state file; none makes no file.
    ///   - place: where it goes; a bucket is made when it is missing.
    /// - Throws: `QueueError.system`, with `EEXIST` for an id that is at this place.
    public func place(
        _ submission: Submission, bytes: [UInt8], arrival: UInt64, records: [StateRecord],
        at place: MessagePlace
    ) throws(QueueError) {
        var message = QueuedMessage(submission, arrival: arrival, submitter: "\(getpid()) \(user)")
        (message.messageOffset, message.messageLength) = (0, bytes.count)
        do throws(SystemError) {
            if !records.isEmpty {
                _ = try append(records, to: message.id, at: 0, isSynced: false)
            }
            let file = try newFile()
            try step("write") { () throws(SystemError) in
                try file.descriptor.borrowed.writeAll(
                    bytes + message.tailAndFooter, at: 0, "\(message.id)")
            }
            let name = place.folder(message.id)
            try Files.makeFolder(name, in: root.borrowed)
            let folder = try folder(name)
            try step("linkat") { () throws(SystemError) in
                guard let temporary = file.temporaryName else {
                    return try Files.link(
                        file.descriptor.borrowed, as: message.id.description, in: folder)
                }
                try Files.rename(temporary, to: place.path(message.id), in: root.borrowed)
            }
        } catch {
            throw .system(error)
        }
    }
}
