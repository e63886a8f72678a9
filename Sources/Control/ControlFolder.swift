// ControlFolder: small files of one value or one list each, by qmail's rules.
// qmail-control(5).
// SPDX-License-Identifier: MIT

import MailModel
import SystemPackage
import UnixIO

/// One line of a control file, without trailing blanks.
public struct ControlLine: Hashable, Sendable {
    /// Counted from 1.
    public let number: Int
    /// Never empty, and never beginning with `#`.
    public let bytes: [UInt8]
}

/// A folder of control files. A file that is missing is nil; one that cannot be read is an error.
public struct ControlFolder: Hashable, Sendable {
    /// The most bytes that a control file may have.
    public static let maximumSize = 64 << 20

    /// Where it is.
    public let path: String

    /// The folder at a path.
    public init(_ path: String) { self.path = path }

    /// The path of a file in it, for messages.
    public func file(_ name: String) -> String { "\(path)/\(name)" }

    /// The whole file; nil when it is missing.
    public func contents(_ name: String) throws(ControlError) -> [UInt8]? {
        do {
            return try Files.contents(of: file(name), limit: ControlFolder.maximumSize)
        } catch  where error.errno == .noSuchFileOrDirectory {
            return nil
        } catch {
            throw .unreadable(error)
        }
    }

    /// The first line without trailing blanks, which may be empty; nil when the file is missing.
    public func line(_ name: String) throws(ControlError) -> [UInt8]? {
        guard let all = try contents(name) else { return nil }
        return ControlFolder.withoutTrailingBlanks(all.prefix { $0 != 0x0A })
    }

    /// The decimal number that the first line begins with; nil when the file is missing or its
    /// first line does not begin with a digit. What is over `Int.max` is `Int.max`.
    public func integer(_ name: String) throws(ControlError) -> Int? {
        guard let digits = try line(name)?.prefix(while: \.isASCIIDigit), !digits.isEmpty else {
            return nil
        }
        return digits.decimalValue ?? .max
    }

    /// The lines without those that are empty or begin with `#`; nil when the file is missing.
    public func list(_ name: String) throws(ControlError) -> [ControlLine]? {
        guard let all = try contents(name) else { return nil }
        var lines: [ControlLine] = []
        for (index, line) in all.split(separator: 0x0A, omittingEmptySubsequences: false)
            .enumerated()
        {
            let bytes = ControlFolder.withoutTrailingBlanks(line)
            guard let first = bytes.first, first != 0x23 else { continue }
            lines.append(ControlLine(number: index + 1, bytes: bytes))
        }
        return lines
    }

    /// The lines as keys without values; nil when the file is missing.
    public func keys(_ name: String) throws(ControlError) -> ControlMap? {
        try list(name).map { ControlMap(keys: $0.map(\.bytes)) }
    }

    /// The lines as `key:value`; nil when the file is missing. Lines without a colon are left out.
    public func map(_ name: String) throws(ControlError) -> ControlMap? {
        try list(name).map { ControlMap(colonLines: $0.map(\.bytes)) }
    }

    /// Our own name.
    /// - Throws: `ControlError` also when the file is missing or its first line is empty.
    public func me() throws(ControlError) -> [UInt8] {
        guard let name = try line("me") else {
            throw invalid("me", nil, "the file is missing; it holds the full name of this host")
        }
        guard !name.isEmpty else { throw invalid("me", 1, "the name of this host is missing") }
        return name
    }

    /// The first line of a file, or our own name when that file is missing: qmail's default for
    /// `helohost`, `bouncehost`, `envnoathost` and others.
    public func lineOrMe(_ name: String) throws(ControlError) -> [UInt8] {
        if let line = try line(name) { return line }
        return try me()
    }

    /// The most bytes that a message may have; nil when there is no limit.
    public func databytes() throws(ControlError) -> Int? {
        guard let bytes = try integer("databytes"), bytes > 0 else { return nil }
        return bytes
    }

    /// An error about a file of this folder.
    public func invalid(_ name: String, _ line: Int?, _ reason: String) -> ControlError {
        .invalid(file: file(name), line: line, reason: reason)
    }

    private static func withoutTrailingBlanks(_ line: ArraySlice<UInt8>) -> [UInt8] {
        guard let last = line.lastIndex(where: { !$0.isBlank && $0 != 0x0A }) else { return [] }
        return Array(line[...last])
    }
}
