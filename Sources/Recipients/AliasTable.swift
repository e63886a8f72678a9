// AliasTable: the aliases of a file, in memory or compiled.
// aliases(5).
// SPDX-License-Identifier: MIT

public import Control
import Glibc
import MailModel
import UnixIO

/// What each alias stands for. Text and database answer alike.
enum AliasTable {
    case text(AliasText)
    case database(ConstantDatabase, path: String)

    /// The data of the empty key, which makes a cdb one of aliases.
    static let format = Array("chainmail aliases 1".utf8)

    /// The table of a file: `FILE.cdb` where that is not older and one of ours, else the lines,
    /// among which are no loops then. Nil where there is neither.
    static func open(
        _ path: String, isLocal: (Mailbox) -> Bool
    ) throws(ControlError) -> AliasTable? {
        if let database = try compiled(of: path) {
            return .database(database, path: "\(path).cdb")
        }
        guard try FileVersion.of(path) != nil else { return nil }
        let text = try AliasText(path)
        try text.checkLoops(isLocal)
        return .text(text)
    }

    private static func compiled(of path: String) throws(ControlError) -> ConstantDatabase? {
        guard let database = try ConstantDatabase.ifPresent("\(path).cdb") else { return nil }
        let made = try database.status().st_mtim
        let changed: timespec?
        do throws(SystemError) { changed = try Files.status(path)?.st_mtim } catch {
            throw .unreadable(error)
        }
        if let changed, (made.tv_sec, made.tv_nsec) < (changed.tv_sec, changed.tv_nsec) {
            return nil
        }
        return try database.value(for: []) == format ? database : nil
    }

    /// What a name in small letters stands for; nil when it is no alias.
    /// - Throws: `ControlError` when the database is damaged.
    func values(of name: [UInt8]) throws(ControlError) -> [AliasValue]? {
        switch self {
        case .text(let text): return text.entries[name]?.values
        case .database(let database, let path):
            guard !name.isEmpty, let record = try database.value(for: name) else { return nil }
            guard let values = AliasValue.values(record) else {
                throw .invalid(
                    file: path, line: nil, reason: "\(name.printable): a damaged record")
            }
            return values
        }
    }

    /// What is read, for messages.
    var path: String {
        switch self {
        case .text(let text): text.path
        case .database(_, let path): path
        }
    }
}

/// The aliases file of a root.
public struct AliasFile: Hashable, Sendable {
    /// Where it is.
    public let path: String
    /// True when `control/aliasfile` names it: then it must be there.
    public let isNamed: Bool

    /// The file that `control/aliasfile` names, from `/` or from the folder of control files; else
    /// `control/aliases`.
    /// - Throws: `ControlError` when `aliasfile` cannot be read.
    public init(_ control: ControlFolder) throws(ControlError) {
        guard let line = try control.line("aliasfile"), !line.isEmpty else {
            path = control.file("aliases")
            isNamed = false
            return
        }
        guard let name = String(validating: line, as: UTF8.self), !line.contains(0) else {
            throw control.invalid("aliasfile", 1, "no usable path")
        }
        path = name.hasPrefix("/") ? name : control.file(name)
        isNamed = true
    }

    /// True when the file or its database is there.
    /// - Throws: `ControlError` when that cannot be seen.
    public func isPresent() throws(ControlError) -> Bool {
        if try FileVersion.of(path) != nil { return true }
        return try FileVersion.of("\(path).cdb") != nil
    }
}
