// CompiledDatabase: a database that was made of a list, before it has its name.
// users(5), recipient-sources(5).
// SPDX-License-Identifier: MIT

import Glibc
import UnixIO

/// A database that is whole and safe on disk, and goes unless it gets its name.
final class CompiledDatabase {
    /// How many entries there are.
    let count: Int
    private let temporary: String
    private let path: String
    private var hasReplaced = false

    /// One with owner, group and permissions of the list that it was made of.
    init(
        _ temporary: String, _ path: String, count: Int, like list: stat
    ) throws(UsersError) {
        self.temporary = temporary
        self.path = path
        self.count = count
        do throws(SystemError) {
            let new = try Files.open(temporary, O_RDONLY)
            try ReplacementFile.give(
                new.borrowed, temporary, mode: list.st_mode & 0o777, owner: list.st_uid,
                group: list.st_gid)
        } catch { throw .control(.unreadable(error)) }
    }

    deinit { if !hasReplaced { _ = Glibc.unlink(temporary) } }

    /// Gives it its name.
    func commit() throws(UsersError) {
        do throws(SystemError) {
            try ReplacementFile.rename(temporary, to: path)
            hasReplaced = true
        } catch { throw .control(.unreadable(error)) }
    }

    /// - Throws: `UsersError` for a database without the list that it was made of: the one that takes
    ///   its place would have none of its entries.
    static func checkList(
        _ path: String, isThere: Bool, database: String
    ) throws(UsersError) {
        do throws(SystemError) {
            guard !isThere, try Files.status(database) != nil else { return }
        } catch { throw .control(.unreadable(error)) }
        throw .control(
            .invalid(
                file: database, line: nil,
                reason:
                    "\(path), which it was made of, is not there: bring that back, or remove this"
            ))
    }

    /// Removes what killed processes left. Whoever has the lock is alone.
    static func removeLeftovers(beside path: String) {
        let folder = ReplacementFile.folder(of: path)
        let start = (path.split(separator: "/").last ?? "") + "."
        for name in (try? Files.names(in: folder)) ?? []
        where name.hasPrefix(start) && name.hasSuffix(".tmp") {
            _ = Glibc.unlink("\(folder)/\(name)")
        }
    }
}

/// A list and its database, both whole and safe on disk, that take the place of those that are there.
struct Replacement {
    let file: ReplacementFile
    var database: CompiledDatabase?

    /// Gives them their names, the list first: it is newer than an old database, which counts no more.
    func commit() throws(UsersError) {
        try file.commit()
        try database?.commit()
    }
}
