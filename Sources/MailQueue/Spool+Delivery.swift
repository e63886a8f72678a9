// Spool+Delivery: what only the one manager does to the queue.
// queue(5), section WHO WRITES WHAT WHEN.
// SPDX-License-Identifier: MIT

import Glibc
import MailModel
import UnixIO

/// What came of opening a message for delivery.
enum OpenedMessage: ~Copyable {
    /// It is not there.
    case gone
    /// An agent still delivers it.
    case locked
    /// Open for reading, locked for as long as anybody has this open file.
    case open(OwnedDescriptor)
}

/// A state file as it was read: what it holds, or nothing when there is none.
struct OpenedState {
    var records: [StateRecord] = []
    /// Where the next record goes; 0 also when there is no file.
    var length = 0
    var exists = false
    var isCut = false
}

extension Spool {
    /// Takes the lock that only one manager of this queue has; nil when another has it.
    public func lockForManager() throws(QueueError) -> OwnedDescriptor? {
        do throws(SystemError) {
            let file = try Files.open("lock", O_RDWR | O_CREAT, in: root.borrowed)
            guard try file.borrowed.tryLock("\(path)/lock") else { return nil }
            return file
        } catch {
            throw .system(error)
        }
    }

    /// The FIFO of ids, to read without waiting. It is opened for writing too, so that it never
    /// is at its end.
    func openTrigger() throws(SystemError) -> OwnedDescriptor {
        let file = try Files.open("trigger", O_RDWR | O_NONBLOCK, in: root.borrowed)
        guard try file.borrowed.status("trigger").st_mode & S_IFMT == S_IFIFO else {
            throw SystemError("open", "\(path)/trigger", .invalidArgument)
        }
        return file
    }

    /// Opens a message anew and locks it.
    func openForDelivery(
        _ id: QueueID, at place: MessagePlace
    ) throws(SystemError) -> OpenedMessage {
        let file: OwnedDescriptor
        do throws(SystemError) {
            file = try open(place.path(id))
        } catch {
            if error.errno == .noSuchFileOrDirectory { return .gone }
            throw error
        }
        return try file.borrowed.tryLock("\(id)") ? .open(file) : .locked
    }

    /// Reads the state file of a message.
    /// - Throws: `.damaged`, or `.system`.
    func state(of id: QueueID) throws(QueueError) -> OpenedState {
        let name = Spool.stateName(id)
        let bytes: [UInt8]
        do throws(SystemError) {
            let file = try open(name)
            bytes = try file.borrowed.readToEnd(name, limit: 256 << 20)
        } catch {
            if error.errno == .noSuchFileOrDirectory { return OpenedState() }
            throw .system(error)
        }
        let contents = try StateContents(bytes, name)
        return OpenedState(
            records: contents.records, length: contents.validLength, exists: true,
            isCut: contents.isCut)
    }

    /// Appends records to a state file, over what a crash left there.
    /// - Parameters:
    ///   - records: what to append.
    ///   - id: the message.
    ///   - length: where the valid records end.
    ///   - isSynced: waits until they are on disk, and the file's name with them.
    /// - Returns: where the records end now.
    /// - Throws: `SystemError`; records may then be there in part, and are written over next time.
    func append(
        _ records: [StateRecord], to id: QueueID, at length: Int, isSynced: Bool
    ) throws(SystemError) -> Int {
        let name = Spool.stateName(id)
        let bytes = records.flatMap(\.line)
        let file = try step("open state") { () throws(SystemError) in
            try Files.open(name, O_RDWR | O_CREAT, in: root.borrowed).take()
        }
        let owned = OwnedDescriptor(file)
        if try owned.borrowed.status(name).st_size > length {
            try step("ftruncate state") { () throws(SystemError) in
                try owned.borrowed.truncate(to: length, name)
            }
        }
        try step("write state") { () throws(SystemError) in
            try owned.borrowed.writeAll(bytes, at: length, name)
        }
        if isSynced {
            try step("fdatasync state") { () throws(SystemError) in
                try owned.borrowed.syncData(name)
            }
            // Also when the file is not new: it may have been made without a sync.
            try sync(folder: "state/\(id.folder)")
        }
        return length + bytes.count
    }

    /// Moves a message to the bucket of its next attempt.
    func move(
        _ id: QueueID, from place: MessagePlace, to bucket: Bucket
    ) throws(SystemError) {
        let target = MessagePlace.deferred(bucket)
        guard place != target else { return }
        do throws(SystemError) {
            try rename(place.path(id), to: target.path(id))
        } catch {
            guard error.errno == .noSuchFileOrDirectory else { throw error }
            // The name of the folder first: a file system may keep the rename and lose the folder.
            if try Files.makeFolder(target.folder(id), in: root.borrowed) {
                try sync(folder: "deferred")
            }
            try rename(place.path(id), to: target.path(id))
        }
    }

    /// Says at a state file in which bucket its message is: a sweep looks there first. It is a hint
    /// and may be lost.
    func mark(_ id: QueueID, isIn bucket: Bucket) {
        let moment = timespec(tv_sec: bucket.moment, tv_nsec: 0)
        _ = utimensat(root.number, Spool.stateName(id), [moment, moment], 0)
    }

    /// The bucket that `mark` named; any other one when it did not, nil without a state file.
    func markedBucket(of id: QueueID) throws(SystemError) -> Bucket? {
        try Files.status(Spool.stateName(id), in: root.borrowed)
            .map { Bucket(due: $0.st_mtim.tv_sec) }
    }

    private func rename(_ name: String, to newName: String) throws(SystemError) {
        try step("rename") { () throws(SystemError) in
            try Files.rename(name, to: newName, in: root.borrowed)
        }
    }

    /// Removes a message that is finished. Its folder must be synced before its state goes.
    func removeMessage(_ id: QueueID, at place: MessagePlace) throws(SystemError) {
        try step("unlink message") { () throws(SystemError) in
            try Files.unlink(id.description, in: folder(place.folder(id)))
        }
    }

    /// Waits until names that went from a folder are gone for good.
    func syncRemovals(from name: String) throws(SystemError) {
        do throws(SystemError) {
            try sync(folder: name)
        } catch {
            // A bucket that is empty may be removed meanwhile: then its own name must be gone.
            guard error.errno == .noSuchFileOrDirectory, name.hasPrefix("deferred/") else {
                throw error
            }
            try sync(folder: "deferred")
        }
    }

    /// Removes a state file; one that is not there is fine.
    func removeState(_ id: QueueID) throws(SystemError) {
        do throws(SystemError) {
            try step("unlink state") { () throws(SystemError) in
                try Files.unlink(Spool.stateName(id), in: root.borrowed)
            }
        } catch {
            guard error.errno == .noSuchFileOrDirectory else { throw error }
        }
    }

    /// Sets a message and its state aside, for the administrator.
    func setAside(_ id: QueueID, at place: MessagePlace) throws(SystemError) {
        try rename(place.path(id), to: "damaged/\(id)")
        do throws(SystemError) {
            try rename(Spool.stateName(id), to: "damaged/\(id).state")
        } catch {
            guard error.errno == .noSuchFileOrDirectory else { throw error }
        }
        try sync(folder: "damaged")
    }

    /// The buckets that exist, in no order.
    func buckets() throws(SystemError) -> [Bucket] {
        try Files.names(in: "deferred", of: root.borrowed).compactMap { Bucket($0) }
    }

    /// Removes a bucket's folder.
    /// - Returns: false when something is in it.
    func remove(_ bucket: Bucket) throws(SystemError) -> Bool {
        do throws(SystemError) {
            try Files.removeFolder("deferred/\(bucket)", in: root.borrowed)
        } catch {
            guard error.errno == .directoryNotEmpty || error.errno == .fileExists else {
                throw error
            }
            return false
        }
        forget(folder: "deferred/\(bucket)")
        return true
    }

    static func stateName(_ id: QueueID) -> String { "state/\(id.folder)/\(id)" }
}
