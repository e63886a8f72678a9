// Spool+Listing: what is in the queue, for whoever only looks.
// queue(5); chainmail(1).
// SPDX-License-Identifier: MIT

import Glibc
import MailModel
import UnixIO

/// A message of the queue and what became of its recipients, as they were for a moment.
public struct QueueEntry: Hashable, Sendable {
    /// The message.
    public let message: QueuedMessage
    /// Where it is.
    public let place: MessagePlace
    /// Its recipients.
    public let progress: MessageProgress
}

extension Spool {
    /// Calls with every message, folder by folder, each time listing a few names at once. What
    /// comes, goes or moves meanwhile may be met or not, or twice.
    /// - Throws: `QueueError.system`, and what `body` throws.
    public func forEachMessage(_ body: (QueueID, MessagePlace) throws -> Void) throws {
        for shard in Spool.shards {
            try forEach(in: "new/\(shard)") { id in try body(id, .new) }
        }
        let buckets: [Bucket]
        do throws(SystemError) {
            buckets = try self.buckets().sorted()
        } catch {
            throw QueueError.system(error)
        }
        for bucket in buckets {
            try forEach(in: "deferred/\(bucket)") { id in try body(id, .deferred(bucket)) }
        }
        try forEach(in: "held") { id in try body(id, .held) }
    }

    /// How many messages there are: new, deferred, held and set aside as damaged.
    /// - Throws: `QueueError.system`.
    public func counts() throws -> [(place: String, count: Int)] {
        var counts = [0, 0, 0, 0]
        try forEachMessage { _, place in
            switch place {
            case .new: counts[0] += 1
            case .deferred: counts[1] += 1
            case .held: counts[2] += 1
            }
        }
        try forEach(in: "damaged") { _ in counts[3] += 1 }
        return Array(zip(["new", "deferred", "held", "damaged"], counts)).map { ($0, $1) }
    }

    /// Reads a message's tail and state; nil when it is not at this place any more.
    /// - Throws: `QueueError.damaged`, `.system`.
    public func entry(_ id: QueueID, at place: MessagePlace) throws(QueueError) -> QueueEntry? {
        guard let file = try openForListing(id, at: place) else { return nil }
        let message = try MessageFooter.read(
            Descriptor(rawValue: file.number), "\(path)/\(place.path(id))")
        let state = try self.state(of: id)
        return QueueEntry(
            message: message, place: place,
            progress: MessageProgress(
                recipients: message.envelope.recipients.count, state.records))
    }

    /// Calls with the bytes of a message as it would be delivered: header fields that were added
    /// on top, those that were removed left out.
    /// - Throws: `QueueError.system`, and what `body` throws.
    public func forEachPiece(
        of entry: QueueEntry, _ body: ([UInt8]) throws -> Void
    ) throws {
        let message = entry.message
        guard let file = try openForListing(message.id, at: entry.place) else { return }
        let overlay = message.edits.overlay
        var filter = HeaderFieldFilter(removing: overlay.removedNames)
        var isInHeader = !overlay.removedNames.isEmpty
        var output = overlay.top
        var done = 0
        while done < message.messageLength {
            let bytes: [UInt8]
            do throws(SystemError) {
                bytes = try Descriptor(rawValue: file.number).bytes(
                    at: message.messageOffset + done,
                    count: min(1 << 16, message.messageLength - done),
                    "\(message.id)")
            } catch {
                throw QueueError.system(error)
            }
            guard !bytes.isEmpty else { break }
            done += bytes.count
            if isInHeader {
                let taken = bytes.withUnsafeBytes { filter.take($0, into: &output) }
                isInHeader = taken == bytes.count
                if !isInHeader { filter.finish(into: &output) }
                output += bytes[taken...]
            } else {
                output += bytes
            }
            try body(output)
            output = []
        }
        if isInHeader { filter.finish(into: &output) }
        if !output.isEmpty { try body(output) }
    }

    /// Where a message is; nil when it is nowhere. A message that moves just then is looked for
    /// again.
    /// - Throws: `QueueError.system`.
    public func place(of id: QueueID) throws(QueueError) -> MessagePlace? {
        do throws(SystemError) {
            for _ in 0..<3 {
                let places = [.new, .held] + (try buckets()).map(MessagePlace.deferred)
                for place in places
                where try Files.status(place.path(id), in: root.borrowed) != nil { return place }
            }
        } catch {
            throw .system(error)
        }
        return nil
    }

    private func forEach(in folder: String, _ body: (QueueID) throws -> Void) throws {
        let scan: FolderScan?
        do throws(SystemError) {
            scan = try FolderScan(folder, in: self)
        } catch {
            throw QueueError.system(error)
        }
        while let id = scan?.next() { try body(id) }
    }

    private func openForListing(
        _ id: QueueID, at place: MessagePlace
    ) throws(QueueError) -> SharedFile? {
        do throws(SystemError) {
            return SharedFile(try open(place.path(id)))
        } catch {
            if error.errno == .noSuchFileOrDirectory { return nil }
            throw .system(error)
        }
    }
}

/// A reference to an owned descriptor, which cannot be in an optional that is passed around.
private final class SharedFile {
    private let descriptor: OwnedDescriptor
    var number: Int32 { descriptor.number }

    init(_ descriptor: consuming OwnedDescriptor) { self.descriptor = descriptor }
}
