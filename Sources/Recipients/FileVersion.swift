// FileVersion: has this file changed since it was read?
// stat(2).
// SPDX-License-Identifier: MIT

import Control
import Glibc
import UnixIO

/// What tells one version of a file from another.
struct FileVersion: Equatable {
    private let device: UInt
    private let inode: UInt
    private let size: Int
    private let seconds: Int
    private let nanoseconds: Int

    init(_ status: stat) {
        device = UInt(status.st_dev)
        inode = UInt(status.st_ino)
        size = Int(status.st_size)
        seconds = Int(status.st_mtim.tv_sec)
        nanoseconds = Int(status.st_mtim.tv_nsec)
    }

    /// The version of what is at a path; nil when there is nothing.
    static func of(_ path: String) throws(ControlError) -> FileVersion? {
        do throws(SystemError) {
            return try Files.status(path).map(FileVersion.init)
        } catch {
            throw .unreadable(error)
        }
    }
}

/// What was read from files, read again when one of them has changed: looking costs a stat(2) for
/// each of them.
struct Watched<Content> {
    private let paths: [String]
    private let read: () throws(ControlError) -> Content
    private var versions: [FileVersion?] = []
    private var content: Result<Content, ControlError>?

    /// Content that `read` makes of the files at these paths. Nothing is read yet.
    init(_ paths: [String], _ read: @escaping () throws(ControlError) -> Content) {
        self.paths = paths
        self.read = read
    }

    /// The content of the files as they are now.
    /// - Throws: `ControlError` as long as the files cannot be used: what they said before may be
    ///   wrong by now. What is wrong in a file is not looked for again until it has changed.
    mutating func current() throws(ControlError) -> Content {
        var versions: [FileVersion?] = []
        for path in paths { versions.append(try FileVersion.of(path)) }
        if let content, versions == self.versions { return try content.get() }
        content = nil
        self.versions = versions
        do throws(ControlError) {
            let fresh = try read()
            content = .success(fresh)
            return fresh
        } catch {
            if case .invalid = error { content = .failure(error) }
            throw error
        }
    }
}
