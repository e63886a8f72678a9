// ReplacementFile: a file that takes the place of another one, whole or not at all.
// rename(2), fsync(2).
// SPDX-License-Identifier: MIT

import Control
import Glibc
import MailModel
import UnixIO

/// A file that is being written beside the one that it will replace, and goes unless it does.
final class ReplacementFile {
    private let path: String
    /// Where it is until then.
    let temporary: String
    private let descriptor: OwnedDescriptor
    private var hasReplaced = false

    /// Begins a file with these permissions, and, where it would have another owner or group, with
    /// these.
    init(_ path: String, mode: UInt32, owner: UInt32?, group: UInt32?) throws(ControlError) {
        self.path = path
        temporary = "\(path).new"
        do throws(SystemError) {
            // One that a killed process left: whoever has the lock is alone.
            _ = Glibc.unlink(temporary)
            descriptor = try Files.open(temporary, O_RDWR | O_CREAT | O_EXCL, mode: 0o600)
            try ReplacementFile.give(
                descriptor.borrowed, temporary, mode: mode, owner: owner, group: group)
        } catch { throw .unreadable(error) }
    }

    deinit { if !hasReplaced { _ = Glibc.unlink(temporary) } }

    /// Writes and forgets the bytes.
    func append(_ bytes: inout [UInt8]) throws(UsersError) {
        do throws(SystemError) {
            try descriptor.borrowed.writeAll(bytes, temporary)
        } catch { throw .control(.unreadable(error)) }
        bytes.removeAll(keepingCapacity: true)
    }

    /// Nothing more is written: the file is whole and safe. It says that it was changed later than
    /// the one before, so that no database can be taken for one of this file that is not.
    func finish(after old: stat?) throws(UsersError) {
        do throws(SystemError) {
            try later(than: old)
            try descriptor.borrowed.sync(temporary)
        } catch { throw .control(.unreadable(error)) }
    }

    /// Gives the finished file its name.
    func commit() throws(UsersError) {
        do throws(SystemError) {
            try ReplacementFile.rename(temporary, to: path)
            hasReplaced = true
        } catch { throw .control(.unreadable(error)) }
    }

    /// Gives a file a name in the same folder, and makes sure of that.
    static func rename(_ temporary: String, to path: String) throws(SystemError) {
        try Files.rename(temporary, to: path)
        let folder = ReplacementFile.folder(of: path)
        let open = try Files.openFolder(folder)
        try open.borrowed.sync(folder)
    }

    private func later(than old: stat?) throws(SystemError) {
        let own = try descriptor.borrowed.status(temporary).st_mtim
        guard var time = old?.st_mtim,
            (own.tv_sec, own.tv_nsec) <= (time.tv_sec, time.tv_nsec)
        else { return }
        time.tv_nsec += 1
        if time.tv_nsec >= 1_000_000_000 { time = timespec(tv_sec: time.tv_sec + 1, tv_nsec: 0) }
        let times = [time, time]
        _ = try retrying("futimens", temporary) { futimens(descriptor.number, times) }
    }

    /// Gives a file to owner and group, then its permissions, which a change of owner may take away.
    static func give(
        _ file: Descriptor, _ path: String, mode: UInt32, owner: UInt32?, group: UInt32?
    ) throws(SystemError) {
        let status = try file.status(path)
        if (owner ?? status.st_uid, group ?? status.st_gid) != (status.st_uid, status.st_gid) {
            _ = try retrying("fchown", path) {
                fchown(file.rawValue, owner ?? status.st_uid, group ?? status.st_gid)
            }
        }
        _ = try retrying("fchmod", path) { fchmod(file.rawValue, mode) }
    }

    /// The folder that a path is in.
    static func folder(of path: String) -> String {
        let folder = path.split(separator: "/", omittingEmptySubsequences: false).dropLast()
            .joined(separator: "/")
        return folder.isEmpty ? (path.hasPrefix("/") ? "/" : ".") : folder
    }
}
