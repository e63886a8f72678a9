// QuarantineFolder: messages that were set aside, one file each, whole and safe on disk.
// quarantine(5).
// SPDX-License-Identifier: MIT

import Glibc
public import MailModel
public import UnixIO

/// A folder of messages. Who writes to it owns it.
public struct QuarantineFolder: Sendable {
    /// Where it is.
    public let path: String

    /// The folder at a path; it is not looked at yet.
    public init(_ path: String) { self.path = path }

    /// Makes the folder where it is missing, and removes what a process that died left half
    /// written.
    /// - Throws: `QuarantineError.system`, also when this user cannot write there.
    public func prepare() throws(QuarantineError) {
        do throws(SystemError) {
            try Files.makeFolder(path, mode: 0o700)
            _ = try retrying("access", path) { access(path, R_OK | W_OK | X_OK) }
            // The folder may hold more than ours, where somebody chose it so.
            for name in try Files.names(in: path) where QuarantineFile.isTemporary(name) {
                try removeLeftover("\(path)/\(name)")
            }
        } catch {
            throw .system(error)
        }
    }

    private func removeLeftover(_ path: String) throws(SystemError) {
        do throws(SystemError) {
            let file = try QuarantineFile.open(path)
            if try file.borrowed.tryLock(path) { try Files.unlink(path) }
        } catch  where error.errno == .noSuchFileOrDirectory || error.errno == .badMessage {}
    }

    /// A file to write a message to. It is nowhere until it is kept.
    public func newFile() throws(QuarantineError) -> QuarantineFile {
        do throws(SystemError) {
            do {
                return QuarantineFile(try Files.nameless(in: path), temporaryName: nil)
            } catch  where [.notSupported, .isDirectory].contains(error.errno) {
                // No O_TMPFILE on this file system. The lock goes with us.
                let name = QuarantineFile.newTemporaryName
                let file = try Files.open("\(path)/\(name)", O_RDWR | O_CREAT | O_EXCL)
                _ = try file.borrowed.tryLock(name)
                return QuarantineFile(file, temporaryName: name)
            }
        } catch {
            throw .system(error)
        }
    }

    /// Keeps a message that was written to a new file, from its beginning on. When this returns,
    /// it is safe on disk under its id.
    public func keep(
        _ file: consuming QuarantineFile, as message: QuarantinedMessage
    ) throws(QuarantineError) {
        do throws(SystemError) {
            let descriptor = file.descriptor.borrowed
            let name = "\(message.id)"
            let length = Int(try descriptor.status(name).st_size)
            let frame = message.fields.frame
            let footer = QuarantineFooter(messageLength: length, frameLength: frame.count)
            try descriptor.writeAll(frame + footer.bytes, at: length, name)
            try descriptor.sync(name)
            let folder = try Files.openFolder(path)
            if let temporary = file.temporaryName {
                try Files.rename(temporary, to: name, in: folder.borrowed)
            } else {
                try Files.link(descriptor, as: name, in: folder.borrowed)
            }
            try folder.borrowed.sync(path)
        } catch {
            throw .system(error)
        }
    }

    /// The ids of all messages, the oldest first.
    public func ids() throws(QuarantineError) -> [SessionID] {
        do throws(SystemError) {
            return try Files.names(in: path).compactMap { SessionID(Array($0.utf8)) }
                .sorted { $0.description < $1.description }
        } catch {
            throw .system(error)
        }
    }

    /// Opens a message.
    /// - Throws: `.missing` when there is none of this id, `.damaged` when its file is not whole.
    public func open(_ id: SessionID) throws(QuarantineError) -> KeptMessage {
        let path = "\(self.path)/\(id)"
        let kept = try KeptMessage(try openFile(id), path)
        // A copy under another name would be released as what it is a copy of.
        guard kept.message.id == id else { throw .damaged(path, "the message of another name") }
        return kept
    }

    private func openFile(_ id: SessionID) throws(QuarantineError) -> OwnedDescriptor {
        let path = "\(self.path)/\(id)"
        do throws(SystemError) {
            return try QuarantineFile.open(path)
        } catch  where error.errno == .noSuchFileOrDirectory {
            throw .missing("\(id)")
        } catch  where error.errno == .badMessage {
            throw .damaged(path, "not a file")
        } catch {
            throw .system(error)
        }
    }

    /// Removes a message, for good, also one that is damaged.
    /// - Throws: `.missing` when there is none of this id, `.busy` when somebody releases it.
    public func remove(_ id: SessionID) throws(QuarantineError) {
        let file = try openFile(id)
        do throws(SystemError) {
            guard try file.borrowed.tryLock("\(id)") else {
                throw SystemError("", path, .wouldBlock)
            }
        } catch  where error.errno == .wouldBlock {
            throw .busy("\(id)")
        } catch {
            throw .system(error)
        }
        try unlink(id)
    }

    /// Removes a message that was locked.
    public func remove(_ kept: borrowing KeptMessage) throws(QuarantineError) {
        try unlink(kept.message.id)
    }

    private func unlink(_ id: SessionID) throws(QuarantineError) {
        do throws(SystemError) {
            let folder = try Files.openFolder(path)
            try Files.unlink("\(id)", in: folder.borrowed)
            try folder.borrowed.sync(path)
        } catch  where error.errno == .noSuchFileOrDirectory {
            throw .missing("\(id)")
        } catch {
            throw .system(error)
        }
    }
}

/// A file that has no name yet, or only a temporary one. When it is not kept, it does not exist.
public struct QuarantineFile: ~Copyable {
    /// To write the message to.
    public let descriptor: OwnedDescriptor
    let temporaryName: String?

    init(_ descriptor: consuming OwnedDescriptor, temporaryName: String?) {
        self.descriptor = descriptor
        self.temporaryName = temporaryName
    }

    static var newTemporaryName: String { ".\(SessionID(microseconds: 0, random: Random.bits))" }

    static func isTemporary(_ name: String) -> Bool {
        name.hasPrefix(".") && SessionID(name.utf8.dropFirst()) != nil
    }

    /// Opens a file of a folder, without waiting for what somebody may have put in its place.
    /// - Throws: `SystemError`; `EBADMSG` when it is no regular file.
    static func open(_ path: String) throws(SystemError) -> OwnedDescriptor {
        do throws(SystemError) {
            let file = try Files.open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK)
            let mode = try file.borrowed.status(path).st_mode
            guard mode & S_IFMT == S_IFREG else { throw SystemError("open", path, .badMessage) }
            return file
        } catch  where error.errno.rawValue == ELOOP || error.errno.rawValue == ENXIO {
            // A symbolic link; a socket.
            throw SystemError("open", path, .badMessage)
        }
    }
}
