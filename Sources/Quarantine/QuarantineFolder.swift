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
            for name in try Files.names(in: path) where name.hasPrefix(".") {
                let file = try Files.open("\(path)/\(name)", O_RDONLY)
                if try file.borrowed.tryLock(name) { try Files.unlink("\(path)/\(name)") }
            }
        } catch {
            throw .system(error)
        }
    }

    /// A file to write a message to. It is nowhere until it is kept.
    public func newFile() throws(QuarantineError) -> QuarantineFile {
        do throws(SystemError) {
            do {
                return QuarantineFile(try Files.nameless(in: path), temporaryName: nil)
            } catch  where [.notSupported, .isDirectory].contains(error.errno) {
                // No O_TMPFILE on this file system. The lock goes with us.
                let name = ".\(SessionID(microseconds: 0, random: Random.bits))"
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
        let file: OwnedDescriptor
        do throws(SystemError) {
            file = try Files.open(path, O_RDONLY)
        } catch {
            throw error.errno == .noSuchFileOrDirectory ? .missing("\(id)") : .system(error)
        }
        return try KeptMessage(file, path)
    }

    /// Removes a message, for good.
    public func remove(_ id: SessionID) throws(QuarantineError) {
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
}
