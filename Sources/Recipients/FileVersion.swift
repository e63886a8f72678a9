// FileVersion: has this file changed since it was read?
// stat(2).
// SPDX-License-Identifier: MIT

import Control
import Glibc
import UnixIO

/// What tells one version of a file from another.
struct FileVersion: Equatable {
    /// The clock of a file may stand still for some milliseconds.
    private static let leastAge = 20_000_000

    private let device: UInt
    private let inode: UInt
    private let size: Int
    private let modified: Int
    /// Tells also of a change that was given an old time on purpose.
    private let changed: Int

    init(_ status: stat) {
        device = UInt(status.st_dev)
        inode = UInt(status.st_ino)
        size = Int(status.st_size)
        modified = FileVersion.nanoseconds(status.st_mtim)
        changed = FileVersion.nanoseconds(status.st_ctim)
    }

    /// True when a change after a moment would show in the file's times.
    func isSettled(at now: timespec) -> Bool {
        let (age, overflow) = FileVersion.nanoseconds(now).subtractingReportingOverflow(changed)
        return overflow || age.magnitude > FileVersion.leastAge
    }

    private static func nanoseconds(_ time: timespec) -> Int {
        let (whole, overflow) = Int(time.tv_sec).multipliedReportingOverflow(by: 1_000_000_000)
        return overflow ? .max : whole &+ Int(time.tv_nsec)
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
    /// False while a change after the reading might not show.
    private var isSettled = false

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
        if isSettled, let content, versions == self.versions { return try content.get() }
        content = nil
        self.versions = versions
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        isSettled = versions.allSatisfy { $0?.isSettled(at: now) ?? true }
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
