// MaildirFile: one message on its way into a Maildir.
// https://cr.yp.to/proto/maildir.html
// SPDX-License-Identifier: MIT

import Glibc
import SystemPackage
import UnixIO

/// A file that nobody sees before it is whole and on disk. One that is not committed leaves
/// nothing behind.
///
/// It has no name until then (`O_TMPFILE`); on file systems that have no such files it is in
/// `tmp` by name.
public struct MaildirFile: ~Copyable {
    private let file: OwnedDescriptor
    private let maildir: Maildir
    private let name: String
    private let isNamed: Bool
    private var isCommitted = false

    /// How many bytes were written.
    public private(set) var count = 0

    /// A file for a Maildir. Its folders are made when they are missing.
    /// - Throws: `SystemError`.
    public init(_ maildir: Maildir, name: String) throws(SystemError) {
        try self.init(maildir, name: name, isNamed: false)
    }

    /// The same; with `isNamed` as on a file system without nameless files.
    init(_ maildir: Maildir, name: String, isNamed: Bool) throws(SystemError) {
        self.maildir = maildir
        self.name = name
        var isNamed = isNamed
        do {
            file = try MaildirFile.open(maildir, name, &isNamed)
        } catch {
            guard error.errno == .noSuchFileOrDirectory else { throw error }
            try maildir.make()
            file = try MaildirFile.open(maildir, name, &isNamed)
        }
        self.isNamed = isNamed
    }

    deinit {
        if isNamed, !isCommitted { try? Files.unlink("\(maildir.path)/tmp/\(name)") }
    }

    /// Adds bytes at the end.
    /// - Throws: `SystemError`.
    public mutating func write(_ bytes: [UInt8]) throws(SystemError) {
        try file.borrowed.writeAll(bytes, maildir.path)
        count += bytes.count
    }

    /// Makes the message safe and then visible in `new`. When this returns, both are on disk.
    /// - Returns: the file's name.
    /// - Throws: `SystemError`; the message may be visible only if a sync after its name failed.
    public consuming func commit() throws(SystemError) -> String { try finish() }

    private mutating func finish() throws(SystemError) -> String {
        let path = maildir.path
        let delivered = MaildirName.sized(name, count)
        let folder = try maildir.openNew()
        // One commit of the journal instead of two; see queue(5), Acceptance.
        let isOrdered = !isNamed && file.borrowed.ordersNames
        if isOrdered {
            try file.borrowed.writeOut(path)
        } else {
            try file.borrowed.syncData(path)
        }
        if isNamed {
            try Files.rename("\(path)/tmp/\(name)", to: "\(path)/new/\(delivered)")
            isCommitted = true
        } else {
            try Files.link(file.borrowed, as: delivered, in: folder.borrowed)
        }
        try folder.borrowed.sync("\(path)/new")
        if isOrdered { try file.borrowed.syncData(path) }
        withExtendedLifetime(folder) {}
        return delivered
    }

    private static func open(
        _ maildir: Maildir, _ name: String, _ isNamed: inout Bool
    ) throws(SystemError) -> OwnedDescriptor {
        do {
            if !isNamed { return try Files.nameless(in: "\(maildir.path)/tmp") }
        } catch  where error.errno == .notSupported || error.errno == .isDirectory {
            isNamed = true
        }
        let flags = O_WRONLY | O_CREAT | O_EXCL
        return try Files.open("\(maildir.path)/tmp/\(name)", flags)
    }
}
