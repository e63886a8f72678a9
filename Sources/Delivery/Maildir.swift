// Maildir: the folders that a mailbox's messages are in.
// https://cr.yp.to/proto/maildir.html
// SPDX-License-Identifier: MIT

import Glibc
import UnixIO

/// A Maildir by its path, and how much of that path is ours to make.
public struct Maildir: Hashable, Sendable {
    /// Where `tmp`, `new` and `cur` are.
    public let path: String
    /// The folder below which everything that is missing may be made. Elsewhere only the Maildir
    /// itself is made, never what it is in: a home that is not there may be one that is not
    /// mounted, and what is written in its place is lost to its owner.
    public let base: String

    /// The Maildir at a path, below the folder of all mailboxes or elsewhere.
    public init(_ path: String, base: String) {
        self.path = path
        self.base = base
    }

    /// Makes what is missing, with mode 0700, and waits until it is on disk.
    /// - Throws: `SystemError`.
    func make() throws(SystemError) {
        var missing = [path]
        while let child = missing.last, child.hasPrefix("\(base)/"), try Files.status(child) == nil
        {
            missing.append(Maildir.parent(of: child))
        }
        for folder in missing.reversed() { try Maildir.makeFolder(folder) }
        for name in ["tmp", "new", "cur"] { try Files.makeFolder("\(path)/\(name)") }
        try markFolder()
        try Maildir.sync(path)
    }

    /// The folder `new`.
    /// - Throws: `SystemError`.
    func openNew() throws(SystemError) -> OwnedDescriptor {
        do {
            return try Files.openFolder("\(path)/new")
        } catch {
            guard error.errno == .noSuchFileOrDirectory else { throw error }
            try make()
            return try Files.openFolder("\(path)/new")
        }
    }

    private static func makeFolder(_ path: String) throws(SystemError) {
        guard try Files.status(path) == nil else { return }
        try Files.makeFolder(path)
        try sync(parent(of: path))
    }

    private static func sync(_ path: String) throws(SystemError) {
        let folder = try Files.openFolder(path)
        try folder.borrowed.sync(path)
        withExtendedLifetime(folder) {}
    }

    static func parent(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }
}
