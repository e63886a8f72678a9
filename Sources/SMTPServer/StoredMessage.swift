// StoredMessage: a whole message as a file, for filters and for the queue.
// queue(5), section CLIENT PROTOCOL.
// SPDX-License-Identifier: MIT

import MailModel
import MailQueue
import UnixIO

/// The message between its end and the queue's answer.
struct StoredMessage: ~Copyable {
    /// What goes to the queue.
    private(set) var file: OwnedDescriptor
    private var reading: OwnedDescriptor?
    /// Bytes of the message, from offset 0.
    let length: Int
    /// True when the queue must copy it, since it did not make the file.
    private(set) var isCopied: Bool

    /// A message in memory.
    init(memory: consuming OwnedDescriptor, length: Int) {
        file = memory
        isCopied = true
        self.length = length
    }

    /// A message in a file of the queue.
    /// - Throws: `SystemError`.
    init(_ spooled: borrowing NamelessFile, length: Int) throws(SystemError) {
        let writing = try spooled.writing.duplicate()
        let reading = try spooled.reading.duplicate()
        file = consume writing
        self.reading = consume reading
        isCopied = false
        self.length = length
    }

    /// The descriptor that filters get: opened separately, read-only.
    /// - Throws: `SystemError`.
    mutating func forFilters() throws(SystemError) -> Descriptor {
        if reading?.number == nil { reading = try file.reopenedForReading() }
        return reading?.borrowed ?? file.borrowed
    }

    /// Takes the file in which a filter has put another message. Where in it that is stands in
    /// the filter's edits.
    mutating func replace(with other: consuming OwnedDescriptor) {
        file = other
        isCopied = true
    }
}
