// UsersEditor: changes a users file, and makes the database of it.
// chainmail(1), user; users(5).
// SPDX-License-Identifier: MIT

import Control
import Glibc
import MailModel
public import Passwords
import UnixIO

/// What is to become of a user.
public enum UserChange: Hashable, Sendable {
    /// A new user.
    case add(UserLine)
    /// Another password; what else the line has stays.
    case setPassword(field: [UInt8], verifier: SCRAMVerifier?)
    /// No user any more.
    case remove
}

/// Changes a users file: all changes or none, whole and safe on disk before its name is given. Of two
/// editors one waits.
public struct UsersEditor {
    private let file: UsersFile
    private let group: UInt32?
    private let patience: Duration

    /// An editor of a file, which need not be there yet.
    /// - Parameters:
    ///   - file: the file.
    ///   - group: the group of a file that is new, when that can be given to it; an old one keeps
    ///     its own.
    ///   - patience: how long another editor is waited for.
    public init(_ file: UsersFile, group: UInt32? = nil, patience: Duration = .seconds(10)) {
        self.file = file
        self.group = group
        self.patience = patience
    }

    /// Makes the changes, by login with small letters, then the database. Lines that are not concerned
    /// stay byte for byte.
    /// - Throws: `UsersError`: then file and database are what they were. Both are whole and safe on
    ///   disk before either has its name; where only the file gets it, it is read itself.
    public func apply(_ changes: [[UInt8]: UserChange]) throws(UsersError) {
        try locked { () throws(UsersError) in
            let old = try controlled { () throws(ControlError) in
                try LineFile.ifPresent(file.path)
            }
            var left = changes
            var lines: [[UInt8]: Int] = [:]
            let new = try replacement(of: old?.status)
            var text: [UInt8] = []
            while let (number, line) = try controlled({ () throws(ControlError) in
                try old?.next()
            }) {
                if let kept = try changed(line, number, &left, &lines) {
                    text += kept
                    text.append(0x0A)
                }
                if text.count >= 1 << 18 { try new.append(&text) }
            }
            for (login, change) in left.sorted(by: { $0.key.lexicographicallyPrecedes($1.key) }) {
                guard case .add(let user) = change else {
                    throw .missing(login: login, file: file.path)
                }
                text += user.text
                text.append(0x0A)
            }
            try new.append(&text)
            try new.finish(after: old?.status)
            let database = try UsersCompiler.compile(file, of: new.temporary)
            try new.commit()
            try database.commit()
        }
    }

    /// Makes the database anew, after the file was changed by hand.
    /// - Returns: how many users there are.
    /// - Throws: `UsersError`: then a database is as it was.
    public func compile() throws(UsersError) -> Int {
        var count = 0
        try locked { () throws(UsersError) in
            let database = try UsersCompiler.compile(file)
            try database.commit()
            count = database.count
        }
        return count
    }

    /// What a line becomes; nil when it goes.
    private func changed(
        _ line: ArraySlice<UInt8>, _ number: Int, _ left: inout [[UInt8]: UserChange],
        _ lines: inout [[UInt8]: Int]
    ) throws(UsersError) -> [UInt8]? {
        guard line.isUserLine else { return Array(line) }
        var user: UserLine
        do throws(UserLine.Failure) { user = try UserLine(line) } catch {
            throw .control(
                .invalid(file: file.path, line: number, reason: error.description))
        }
        if let first = lines.updateValue(number, forKey: user.login) {
            throw .control(.duplicate(user.login, file.path, first: first, second: number))
        }
        switch left.removeValue(forKey: user.login) {
        case nil: return Array(line)
        case .add?: throw .exists(login: user.login, file: file.path, line: number)
        case .remove?: return nil
        case .setPassword(let field, let verifier)?:
            user.set(field: field, verifier: verifier)
            return user.text
        }
    }

    private func replacement(of old: stat?) throws(UsersError) -> ReplacementFile {
        try controlled { () throws(ControlError) in
            try ReplacementFile(
                file.path, mode: old.map { $0.st_mode & 0o770 } ?? 0o640,
                owner: old?.st_uid, group: old?.st_gid ?? group)
        }
    }

    /// The lock is that of the folder: the file itself is replaced.
    private func locked(_ body: () throws(UsersError) -> Void) throws(UsersError) {
        let path = ReplacementFile.folder(of: file.path)
        let deadline = Deadline.after(patience)
        let folder = try opened(path)
        while try !tryLock(folder.borrowed, path) {
            guard !deadline.hasPassed else { throw .busy(file.path) }
            _ = poll(nil, 0, 20)
        }
        // The descriptor holds the lock until it is closed.
        defer { _ = folder.number }
        try body()
    }

    private func opened(_ path: String) throws(UsersError) -> OwnedDescriptor {
        do throws(SystemError) { return try Files.openFolder(path) } catch {
            throw .control(.unreadable(error))
        }
    }

    private func tryLock(_ folder: Descriptor, _ path: String) throws(UsersError) -> Bool {
        do throws(SystemError) { return try folder.tryLock(path) } catch {
            throw .control(.unreadable(error))
        }
    }
}

/// Runs what reads or writes files.
func controlled<Result>(
    _ body: () throws(ControlError) -> Result
) throws(UsersError) -> Result {
    do throws(ControlError) { return try body() } catch { throw .control(error) }
}

extension ControlError {
    /// Two lines of one login.
    static func duplicate(
        _ login: [UInt8], _ file: String, first: Int, second: Int
    ) -> ControlError {
        .invalid(
            file: file, line: second,
            reason: "\(login.printable) is in line \(first) already")
    }
}
