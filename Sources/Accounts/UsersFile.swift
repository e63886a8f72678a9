// UsersFile: looks users up in a users file, or in the database made of it.
// users(5).
// SPDX-License-Identifier: MIT

public import Control
import Glibc
import MailModel
public import Passwords
import UnixIO

/// A file of users, one a line. Where a `FILE.cdb` is beside it that was made of just this version of
/// it, that is asked, and nothing of the file is read.
///
/// Nothing is kept between two questions, so that a change counts at once.
public struct UsersFile: Hashable, Sendable {
    /// Where it is.
    public let path: String

    /// A file at a path. Nothing is read.
    public init(_ path: String) { self.path = path }

    /// The file of an installation.
    public init(_ root: Root) { self.init("\(root.configuration)/users") }

    /// The database made of it.
    var database: String { "\(path).cdb" }

    /// False when there is nothing under its name. What cannot be looked at may be there.
    public var exists: Bool {
        do throws(SystemError) { return try Files.status(path) != nil } catch { return true }
    }

    /// The line of a user; nil when there is none. Of two lines the first counts.
    /// - Throws: `ControlError` when it cannot be read, others may read it, or a line that was looked
    ///   at is none.
    public func user(_ login: [UInt8]) throws(ControlError) -> UserLine? {
        // The keys that are no logins are ours.
        guard let login = try? UserLine.login(login) else { return nil }
        guard let database = try compiled() else { return try scan(for: login) }
        guard let data = try database.value(for: login) else { return nil }
        return try parse(login + [0x3A] + data, nil)
    }

    /// Looks whether the file can be used: each line of it, unless the database is there, which is made
    /// of good lines alone.
    /// - Throws: `ControlError` with the first bad line.
    public func check() throws(ControlError) {
        guard try compiled() == nil else { return }
        let file = try LineFile(path)
        try UsersFile.checkMode(file.status, path)
        while let (number, line) = try file.next() {
            guard line.isUserLine else { continue }
            _ = try parse(line, number)
        }
    }

    /// Calls `body` with each line of a user, in the order of the file.
    /// - Throws: `ControlError` with a bad line.
    public func forEach(_ body: (UserLine) -> Void) throws(ControlError) {
        let file = try LineFile(path)
        while let (number, line) = try file.next() {
            if line.isUserLine { body(try parse(line, number)) }
        }
    }

    /// A password whose check costs what most checks here cost; nil without users.
    public func decoy() throws(ControlError) -> StoredPassword? {
        if let database = try compiled() {
            return try database.value(for: UsersFile.decoyKey).flatMap { try? StoredPassword($0) }
        }
        let file = try LineFile(path)
        while let (_, line) = try file.next() {
            guard line.isUserLine, let user = try? UserLine(line),
                let password = try? user.password(), password != .locked
            else { continue }
            return password
        }
        return nil
    }

    /// Bytes that nobody outside knows and that stay the same; nil without a database.
    public func secret() throws(ControlError) -> [UInt8]? {
        try compiled()?.value(for: UsersFile.secretKey)
    }

    /// How many users have what SCRAM needs, and with how many iterations most of them; nil without a
    /// database.
    public func verifiers() throws(ControlError) -> (count: Int, iterations: Int)? {
        guard let text = try compiled()?.value(for: UsersFile.verifiersKey) else { return nil }
        let words = text.split(separator: 0x20)
        guard words.count == 2, let count = words[0].decimalValue,
            let iterations = words[1].decimalValue,
            (1...SCRAMVerifier.maximumIterations).contains(iterations)
        else { return nil }
        return (count, iterations)
    }

    /// The data of the empty key, with the size of the file that the database was made of. A colon is
    /// in no login, so that the other keys are none.
    static func format(size: Int) -> [UInt8] { Array("chainmail users 1 \(size)".utf8) }
    static let decoyKey = Array(":decoy".utf8)
    static let verifiersKey = Array(":verifiers".utf8)
    static let secretKey = Array(":secret".utf8)

    /// The database, where it was made of the file as it is now.
    private func compiled() throws(ControlError) -> ConstantDatabase? {
        let status: stat
        do throws(SystemError) {
            guard let found = try Files.status(path) else {
                throw SystemError("open", path, .noSuchFileOrDirectory)
            }
            status = found
        } catch { throw .unreadable(error) }
        try UsersFile.checkMode(status, path)
        guard let database = try ConstantDatabase.ifPresent(database) else { return nil }
        let made = try database.status()
        guard made.st_mtim.tv_sec == status.st_mtim.tv_sec,
            made.st_mtim.tv_nsec == status.st_mtim.tv_nsec,
            try database.value(for: []) == UsersFile.format(size: Int(status.st_size))
        else { return nil }
        try UsersFile.checkMode(made, self.database)
        return database
    }

    /// The whole file is read also when the user is found early: the time must not tell.
    private func scan(for login: [UInt8]) throws(ControlError) -> UserLine? {
        let file = try LineFile(path)
        try UsersFile.checkMode(file.status, path)
        var found: UserLine?
        let start = login + [0x3A]
        while let (number, line) = try file.next() {
            guard found == nil, line.count > login.count,
                line.prefix(start.count).equalsIgnoringASCIICase(start), line.isUserLine
            else { continue }
            found = try parse(line, number)
        }
        return found
    }

    private func parse(
        _ line: some Collection<UInt8>, _ number: Int?
    ) throws(ControlError) -> UserLine {
        do throws(UserLine.Failure) { return try UserLine(line) } catch {
            throw .invalid(
                file: number == nil ? database : path, line: number, reason: error.description)
        }
    }

    /// - Throws: `ControlError` when others than owner and group may do anything with it.
    static func checkMode(_ status: stat, _ path: String) throws(ControlError) {
        guard status.st_mode & 0o007 == 0 else {
            throw .invalid(
                file: path, line: nil,
                reason: "others may read or write it, and it holds passwords: chmod o= \(path)")
        }
    }
}
