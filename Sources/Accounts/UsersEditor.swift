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
    /// A new user, or another password for the one that is there; a line that has just this password
    /// stays as it is.
    case put(UserLine)
    /// No user any more.
    case remove
    /// No user any more; it need not be there.
    case drop
}

/// Changes a users file: all changes or none, whole and safe on disk before its name is given. Of two
/// editors one waits.
public struct UsersEditor {
    let file: UsersFile
    private let group: UInt32?
    let patience: Duration

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
        let locks = try FolderLock.all(of: [file.path], patience)
        defer { withExtendedLifetime(locks) {} }
        try prepared(changes).replacement.commit()
    }

    /// The file and its database as they will be, beside those that are there, and how many users of
    /// these domains are gone.
    func prepared(
        _ changes: [[UInt8]: UserChange], without domains: Set<[UInt8]> = []
    ) throws(UsersError) -> (replacement: Replacement, removed: Int) {
        let old = try controlled { () throws(ControlError) in try LineFile.ifPresent(file.path) }
        try CompiledDatabase.checkList(
            file.path, isThere: old != nil, database: file.database)
        var left = changes
        var lines: [[UInt8]: Int] = [:]
        var removed = 0
        let new = try replacement(of: old?.status)
        var text: [UInt8] = []
        while let (number, line) = try controlled({ () throws(ControlError) in try old?.next() }) {
            if var user = try user(line, number, &lines) {
                guard !domains.contains(user.domain) else { removed += 1; continue }
                guard try change(&user, number, &left) else { continue }
                text += user.text
            } else {
                text += line
            }
            text.append(0x0A)
            if text.count >= 1 << 18 { try new.append(&text) }
        }
        for (login, change) in left.sorted(by: { $0.key.lexicographicallyPrecedes($1.key) }) {
            switch change {
            case .add(let user), .put(let user): text += user.text + [0x0A]
            case .drop: break
            case .remove, .setPassword: throw .missing(login: login, file: file.path)
            }
        }
        try new.append(&text)
        try new.finish(after: old?.status)
        let database = try UsersCompiler.compile(file, of: new.temporary)
        return (Replacement(file: new, database: database), removed)
    }

    /// Makes the database anew, after the file was changed by hand.
    /// - Returns: how many users there are.
    /// - Throws: `UsersError`: then a database is as it was.
    public func compile() throws(UsersError) -> Int {
        let locks = try FolderLock.all(of: [file.path], patience)
        defer { withExtendedLifetime(locks) {} }
        let database = try UsersCompiler.compile(file)
        try database.commit()
        return database.count
    }

    /// The user of a line; nil for a line of none.
    private func user(
        _ line: ArraySlice<UInt8>, _ number: Int, _ lines: inout [[UInt8]: Int]
    ) throws(UsersError) -> UserLine? {
        guard line.isUserLine else { return nil }
        let user: UserLine
        do throws(UserLine.Failure) { user = try UserLine(line) } catch {
            throw .control(
                .invalid(file: file.path, line: number, reason: error.description))
        }
        if let first = lines.updateValue(number, forKey: user.login) {
            throw .control(.duplicate(user.login, file.path, first: first, second: number))
        }
        return user
    }

    /// Makes of a user what is to become of it; false when it goes.
    private func change(
        _ user: inout UserLine, _ number: Int, _ left: inout [[UInt8]: UserChange]
    ) throws(UsersError) -> Bool {
        switch left.removeValue(forKey: user.login) {
        case nil: break
        case .add?: throw .exists(login: user.login, file: file.path, line: number)
        case .remove?, .drop?: return false
        case .setPassword(let field, let verifier)?:
            user.set(field: field, verifier: verifier)
        case .put(let new)?:
            guard new.passwordField != user.passwordField else { break }
            user.set(field: new.passwordField, verifier: new.verifier)
        }
        return true
    }

    private func replacement(of old: stat?) throws(UsersError) -> ReplacementFile {
        try controlled { () throws(ControlError) in
            try ReplacementFile(
                file.path, mode: old.map { $0.st_mode & 0o770 } ?? 0o640,
                owner: old?.st_uid, group: old?.st_gid ?? group)
        }
    }
}

extension UserLine {
    /// What follows the last `@` of the login; empty without one.
    var domain: [UInt8] {
        login.lastIndex(of: 0x40).map { Array(login[($0 + 1)...]) } ?? []
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
