// Spool: the folders of the queue and every call that changes them.
// queue(5).
// SPDX-License-Identifier: MIT

import Glibc
import MailModel
import UnixIO

/// Where in the queue a message file is.
public enum MessagePlace: Hashable, Sendable {
    /// Never deferred.
    case new
    /// Waits until the moment of this bucket.
    case deferred(Bucket)
    /// Waits for the administrator.
    case held

    /// The path of a message's file in the queue.
    public func path(_ id: QueueID) -> String {
        switch self {
        case .new: "new/\(id.folder)/\(id)"
        case .deferred(let bucket): "deferred/\(bucket)/\(id)"
        case .held: "held/\(id)"
        }
    }
}

/// The queue on disk. Every call that changes something goes through here, so that what is synced
/// before what can be read in one place. For processes with one thread.
public final class Spool {
    /// Called with a name before each call that changes the queue. A test throws from here to
    /// stop at that point, as a crash would.
    public typealias Probe = (StaticString) throws(SystemError) -> Void

    /// The folder `queue`.
    public let path: String
    let root: OwnedDescriptor
    private let folders: FolderCache
    private let probe: Probe?
    private let device: dev_t
    private let owner: uid_t
    /// True where one commit of the file system's journal makes file and name safe.
    var ordersNames: Bool
    private var trigger: OwnedDescriptor?

    /// The names of the 32 folders that ids are divided among.
    public static let shards = Array("0123456789abcdefghjkmnpqrstvwxyz").map(String.init)

    /// Opens the queue in the folder `queue` of the spool; `makes` what is missing of it.
    /// - Throws: `QueueError.system`.
    public init(_ path: String, makes: Bool = false, probe: Probe? = nil) throws(QueueError) {
        self.path = path
        self.probe = probe
        do throws(SystemError) {
            if makes { try Spool.make(path) }
            root = try Files.openFolder(path)
            folders = FolderCache(root.borrowed)
            ordersNames = root.borrowed.ordersNames
            let status = try root.borrowed.status(path)
            (device, owner) = (status.st_dev, status.st_uid)
        } catch {
            throw .system(error)
        }
    }

    /// True when this process's user owns the queue.
    public var isOurs: Bool { owner == geteuid() }

    /// The queue's user.
    public var user: uid_t { owner }

    private static func make(_ path: String) throws(SystemError) {
        try Files.makeFolders(path)
        let root = try Files.openFolder(path)
        for name in ["new", "deferred", "held", "state", "tmp", "damaged"] {
            try Files.makeFolder(name, in: root.borrowed)
        }
        for parent in ["new", "state"] {
            for shard in shards { try Files.makeFolder("\(parent)/\(shard)", in: root.borrowed) }
            let folder = try Files.openFolder(parent, in: root.borrowed)
            try folder.borrowed.sync(parent)
        }
        try Files.makeFIFO("trigger", in: root.borrowed)
        try root.borrowed.sync(path)
    }

    /// Makes a call after the probe let it pass.
    func step<Result>(
        _ name: StaticString, _ body: () throws(SystemError) -> Result
    ) throws(SystemError) -> Result {
        try probe?(name)
        return try body()
    }

    /// A folder of the queue, opened once and kept.
    func folder(_ name: String) throws(SystemError) -> Descriptor { try folders[name] }

    /// Forgets a folder that is removed.
    func forget(folder name: String) { folders.close(name) }

    /// True for a file that `nameless` made here and that has no name yet.
    func isOurNameless(_ status: Glibc.stat) -> Bool {
        status.st_mode & S_IFMT == S_IFREG && status.st_nlink == 0 && status.st_dev == device
            && status.st_uid == owner
    }

    /// What acceptance leaves free, in blocks of the file system: a twentieth, but at most 16 MiB.
    /// The manager must have room to write down what became of the messages that are there, and
    /// for reports.
    static func reserve(blocks: Int, of size: Int) -> Int {
        min(blocks / 20, (16 << 20) / max(1, size))
    }

    /// Bytes that messages may take now; 0 also where no file can be made, and very many where the
    /// file system does not say.
    var freeBytes: Int {
        var status = statvfs()
        guard fstatvfs(root.number, &status) == 0, status.f_blocks > 0 else { return .max }
        // Some file systems have no fixed number of files and say 0 of 0.
        guard status.f_files == 0 || status.f_favail > 0 else { return 0 }
        let size = Int(clamping: status.f_frsize)
        let reserve = Spool.reserve(blocks: Int(clamping: status.f_blocks), of: size)
        let blocks = max(0, Int(clamping: status.f_bavail) - reserve)
        let (bytes, overflow) = blocks.multipliedReportingOverflow(by: size)
        return overflow ? .max : bytes
    }

    /// Refuses what would use up the room that is left for the manager.
    func requireRoom(for bytes: Int) throws(QueueError) {
        var status = statvfs()
        guard fstatvfs(root.number, &status) == 0 else { return }
        let size = Int(clamping: status.f_frsize)
        let reserve = Spool.reserve(blocks: Int(clamping: status.f_blocks), of: size)
        let free = Int(clamping: status.f_bavail) - reserve
        // Two blocks more than the message: its tail, and a folder that grows.
        guard status.f_blocks == 0 || free > bytes / max(1, size) + 2 else {
            throw .system(SystemError("fstatvfs", path, .noSpace))
        }
    }

    /// Syncs a folder.
    func sync(folder name: String) throws(SystemError) {
        try step("fsync folder") { () throws(SystemError) in
            try folder(name).sync("\(path)/\(name)")
        }
    }

    /// Opens a file of the queue for reading.
    func open(_ name: String) throws(SystemError) -> OwnedDescriptor {
        try Files.open(name, O_RDONLY | O_NOFOLLOW, in: root.borrowed)
    }

    /// Tells the manager of a message, without waiting. A manager that is away, or is told too
    /// much at once, finds it by looking.
    public func pullTrigger(_ id: QueueID) { _ = pullTrigger(line: "\(id)") }

    /// Says a word to the manager.
    /// - Returns: false when none listens.
    func pullTrigger(_ word: TriggerWord) -> Bool { pullTrigger(line: word.rawValue) }

    private func pullTrigger(line text: String) -> Bool {
        let line = Array("\(text)\n".utf8)
        for _ in 0..<2 {
            if trigger == nil {
                trigger = try? Files.open("trigger", O_WRONLY | O_NONBLOCK, in: root.borrowed)
            }
            guard let trigger = trigger.take() else { return false }
            let written = write(trigger.number, line, line.count)
            // EPIPE: the FIFO was made anew, or its reader is away for a moment.
            if written == line.count || errno != EPIPE {
                self.trigger = consume trigger
                return written == line.count
            }
        }
        return false
    }
}

/// Descriptors of folders, opened when first needed.
final class FolderCache {
    private let root: Descriptor
    private var open: [String: Int32] = [:]

    init(_ root: Descriptor) { self.root = root }

    deinit { for number in open.values { _ = OwnedDescriptor(number) } }

    func close(_ name: String) {
        if let number = open.removeValue(forKey: name) { _ = OwnedDescriptor(number) }
    }

    subscript(name: String) -> Descriptor {
        get throws(SystemError) {
            if let number = open[name] { return Descriptor(rawValue: number) }
            let number = try Files.openFolder(name, in: root).take()
            open[name] = number
            return Descriptor(rawValue: number)
        }
    }
}
