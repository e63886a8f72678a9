// QueueImport: messages of another queue into this one, each once.
// queue(5), section EXPORTS.
// SPDX-License-Identifier: MIT

import Glibc
import MailModel
import UnixIO

/// What became of a message that was to be imported.
public enum ImportOutcome: Hashable, Sendable {
    /// It is in the queue.
    case imported
    /// It is in the queue already, or was and is delivered.
    case known
    /// Its file is not what queue(5) says.
    case damaged(String)
}

/// Puts messages of another queue into this one. It can be done again at any moment, also after
/// a crash: a message that is in the queue, or was imported at any time, is not put there again.
public final class QueueImport {
    private let spool: Spool
    private let ledger: OwnedDescriptor
    /// What was ever imported.
    private var imported: Set<QueueID> = []
    /// What is in the queue by itself.
    private var present: Set<QueueID> = []
    private var length = 0

    /// Prepares the queue, and goes on with an import that a crash cut off. Of two imports at a
    /// time one is refused. In memory are the ids of the queue and of all that was ever imported.
    /// - Throws: `QueueError.system`, with `EWOULDBLOCK` when another import runs.
    public init(into spool: Spool) throws {
        self.spool = spool
        ledger = try QueueImport.openLedger(spool)
        do throws(SystemError) {
            let bytes = try ledger.borrowed.readToEnd("import/ledger", limit: 1 << 32)
            // A last line that a crash cut short counts for nothing, and is written over.
            length = bytes.lastIndex(of: 0x0A).map { $0 + 1 } ?? 0
            imported = Set(bytes[..<length].split(separator: 0x0A).compactMap { QueueID($0) })
            try finishOthers()
        } catch {
            throw QueueError.system(error)
        }
        try spool.forEachMessage { id, _ in present.insert(id) }
    }

    private static func openLedger(_ spool: Spool) throws(QueueError) -> OwnedDescriptor {
        do throws(SystemError) {
            if try Files.makeFolder("import", in: spool.root.borrowed) {
                try spool.root.borrowed.sync(spool.path)
            }
            let file = try Files.open("import/ledger", O_RDWR | O_CREAT, in: spool.root.borrowed)
            guard try file.borrowed.tryLock("import/ledger") else {
                throw SystemError("flock", "\(spool.path)/import/ledger", .wouldBlock)
            }
            return file
        } catch {
            throw .system(error)
        }
    }

    /// Puts messages into the queue. When this returns, they are safe there.
    /// - Returns: what became of each, in order.
    /// - Throws: `QueueError.system`; then the same can be done again.
    public func take(
        _ messages: [ExportedMessage]
    ) throws(QueueError) -> [ImportOutcome] {
        var outcomes: [ImportOutcome] = []
        var ids: [QueueID] = []
        do throws(SystemError) {
            for message in messages {
                let id = message.id
                if imported.contains(id) || present.contains(id) || ids.contains(id) {
                    outcomes.append(.known)
                } else if let reason = QueueImport.fault(of: message) {
                    outcomes.append(.damaged(reason))
                } else {
                    try write(message)
                    ids.append(id)
                    outcomes.append(.imported)
                }
            }
            guard !ids.isEmpty else { return outcomes }
            try spool.root.borrowed.syncFileSystem(spool.path)
            // From here on they are imported, whatever happens: the next import goes on with them.
            let lines = ids.flatMap { Array("\($0)\n".utf8) }
            try ledger.borrowed.truncate(to: length, "import/ledger")
            try ledger.borrowed.writeAll(lines, at: length, "import/ledger")
            try ledger.borrowed.syncData("import/ledger")
            length += lines.count
            imported.formUnion(ids)
            try finish(ids)
        } catch {
            throw .system(error)
        }
        return outcomes
    }

    /// Goes on with what an import before began, and forgets what it had not begun.
    private func finishOthers() throws(SystemError) {
        var ids: Set<QueueID> = []
        for name in try Files.names(in: "import", of: spool.root.borrowed) where name != "ledger" {
            let id = name.split(separator: ".").first.flatMap { QueueID(Array($0.utf8)) }
            if let id, imported.contains(id) {
                ids.insert(id)
            } else {
                try Files.unlink("import/\(name)", in: spool.root.borrowed)
            }
        }
        if !ids.isEmpty { try finish(Array(ids)) }
    }

    /// Message, then state, then its place. A message is held meanwhile, so that no manager begins
    /// with it before its state is there, and none takes the state for one that has no message.
    /// A mark is there until all of that is on disk.
    private func finish(_ ids: [QueueID]) throws(SystemError) {
        let root = spool.root.borrowed
        for id in ids {
            let held = MessagePlace.held.path(id)
            try renameIfThere("import/\(id)", to: held)
            try renameIfThere("import/\(id).state", to: Spool.stateName(id))
        }
        try root.syncFileSystem(spool.path)
        for id in ids where try Files.status("import/\(id).new", in: root) != nil {
            try renameIfThere(MessagePlace.held.path(id), to: MessagePlace.new.path(id))
        }
        try root.syncFileSystem(spool.path)
        for id in ids {
            for mark in ["new", "held"] {
                guard try Files.status("import/\(id).\(mark)", in: root) != nil else { continue }
                try Files.unlink("import/\(id).\(mark)", in: root)
            }
            spool.pullTrigger(id)
        }
    }

    private func renameIfThere(_ name: String, to target: String) throws(SystemError) {
        do throws(SystemError) {
            try Files.rename(name, to: target, in: spool.root.borrowed)
        } catch {
            guard error.errno == .noSuchFileOrDirectory else { throw error }
        }
    }

    private func write(_ message: ExportedMessage) throws(SystemError) {
        let name = "import/\(message.id)"
        try write(message.file, as: name)
        if !message.state.isEmpty { try write(message.state, as: "\(name).state") }
        try write([], as: message.isHeld ? "\(name).held" : "\(name).new")
    }

    private func write(_ bytes: [UInt8], as name: String) throws(SystemError) {
        let file = try Files.open(name, O_RDWR | O_CREAT | O_TRUNC, in: spool.root.borrowed)
        try file.borrowed.writeAll(bytes, at: 0, name)
    }

    /// Why a message's files are not what they must be; nil when they are.
    private static func fault(of message: ExportedMessage) -> String? {
        do {
            let file = try Files.inMemory("message")
            try file.borrowed.writeAll(message.file, at: 0, "message")
            let read = try MessageFooter.read(file.borrowed, "\(message.id)")
            guard read.id == message.id else { return "it is the message \(read.id)" }
            _ = try StateContents(message.state, "its state")
            return nil
        } catch {
            return "\(error)"
        }
    }
}
