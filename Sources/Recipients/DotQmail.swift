// DotQmail: the instructions for a user's mail, found as qmail-local finds them.
// dot-qmail(5), qmail-local(8).
// SPDX-License-Identifier: MIT

import Control
import Glibc
import MailModel
import UnixIO

/// A dot-qmail file that was found.
public struct DotQmail {
    /// The most bytes of a file that are read: what decides is in its first lines.
    static let maximumSize = 65_536

    let path: String
    /// The name without `.qmail` and the user's dash; of the file for all others `default`.
    let ext: [UInt8]
    /// What is in it, at most `maximumSize` bytes.
    let content: [UInt8]
    /// True when there is more.
    let isCut: Bool
    /// True when its owner may execute it: it may only forward then.
    let isForwardOnly: Bool

    /// The first lines, without comments and blank ends.
    var lines: [[UInt8]] {
        content.split(separator: 0x0A).compactMap { line in
            let line = Array(line.trimmed)
            return line.isEmpty || line.first == 0x23 ? nil : line
        }
    }

    /// The words of the first instruction when it is a command; nil when it is none.
    var command: [[UInt8]]? {
        guard let first = lines.first, first.first == 0x7C else { return nil }
        return ShellWords.split(first.dropFirst())
    }

    /// True when the first thing that happens to a message is that it is returned: `bouncesaying`
    /// with a text and without a program that decides. (Qmail::Deliverable sees it so too.)
    var isRefusal: Bool {
        guard let command, let program = command.first else { return false }
        return ShellWords.isProgram(program, "bouncesaying") && command.count <= 2
    }

    /// The words after a program's name, in the first line that runs it, however much else runs in
    /// that line; nil when no line does.
    func arguments(of program: String) -> [[UInt8]]? {
        for line in lines where line.first == 0x7C {
            let words = ShellWords.split(line.dropFirst())
            if let place = words.firstIndex(where: { ShellWords.isProgram($0, program) }) {
                return Array(words[(place + 1)...])
            }
        }
        return nil
    }

    /// True when a text is somewhere in a line.
    func says(_ text: [UInt8]) -> Bool {
        lines.contains { line in
            line.indices.contains { line[$0...].starts(with: text) }
        }
    }

    /// Finds the file for a user's extension: the extension itself with small letters and `:` for
    /// `.`, then `default` after every `-` from the right, then `default` alone. What is no regular
    /// file is passed over. The extension cannot leave the home: no `.` is left in it.
    /// - Returns: nil when there is none.
    /// - Throws: `ControlError` where qmail-local would try again later: the home cannot be
    ///   entered, everybody may write to it or it has the sticky bit; the same for the file.
    static func find(
        home: String, dash: [UInt8], ext: [UInt8], _ trail: inout SourceTrail
    ) throws(ControlError) -> DotQmail? {
        try checkHome(home)
        let safe = safe(ext)
        if let found = try open(home, dash, safe, &trail) { return found }
        for end in stride(from: safe.count, through: 0, by: -1)
        where end == 0 || safe[end - 1] == 0x2D {
            let name = safe[..<end] + Array("default".utf8)
            if let found = try open(home, dash, Array(name), &trail) { return found }
        }
        return nil
    }

    /// An extension as it is in a file's name: nothing leads out of the home.
    static func safe(_ ext: [UInt8]) -> [UInt8] {
        ext.map { $0 == 0x2E ? 0x3A : $0.asciiLowercased }
    }

    /// The file for exactly this extension.
    static func exact(
        home: String, dash: [UInt8], ext: [UInt8], _ trail: inout SourceTrail
    ) throws(ControlError) -> DotQmail? {
        try open(home, dash, safe(ext), &trail)
    }

    private static func checkHome(_ home: String) throws(ControlError) {
        switch try HomeState.of(home) {
        case .good: return
        case .missing: throw .unreadable(SystemError("chdir", home, .noSuchFileOrDirectory))
        case .open, .sticky:
            throw .invalid(
                file: home, line: nil,
                reason: "qmail-local delivers to no home that is sticky or open to everybody")
        }
    }

    /// Opens one file of a home.
    private static func open(
        _ home: String, _ dash: [UInt8], _ ext: [UInt8], _ trail: inout SourceTrail
    ) throws(ControlError) -> DotQmail? {
        try open(bytes: Array("\(home)/.qmail".utf8) + dash + ext, ext: ext, &trail)
    }

    /// Opens one file; nil when there is no such regular file, or its name is too long to be one.
    /// - Throws: `ControlError` when there is one that cannot be read, or everybody may write to.
    static func open(
        _ path: String, ext: [UInt8] = [], _ trail: inout SourceTrail
    ) throws(ControlError) -> DotQmail? {
        try open(bytes: Array(path.utf8), ext: ext, &trail)
    }

    private static func open(
        bytes: [UInt8], ext: [UInt8], _ trail: inout SourceTrail
    ) throws(ControlError) -> DotQmail? {
        let path = String(decoding: bytes, as: UTF8.self)
        do throws(SystemError) {
            let file = try RegularFile.open(bytes)
            let status = try file.borrowed.status(path)
            guard status.st_mode & S_IFMT == S_IFREG else { return nil }
            trail.note("\(path) is there")
            guard status.st_mode & S_IWOTH == 0 else {
                throw SystemError("open", path, .permissionDenied)
            }
            let bytes = try file.borrowed.bytes(at: 0, count: maximumSize + 1, path)
            return DotQmail(
                path: path, ext: ext, content: Array(bytes.prefix(maximumSize)),
                isCut: bytes.count > maximumSize, isForwardOnly: status.st_mode & S_IXUSR != 0)
        } catch {
            switch error.errno {
            case .noSuchFileOrDirectory, .notDirectory, .fileNameTooLong: return nil
            // What qmail-local takes for "not there" in any other error, it sees as the user.
            default: throw .unreadable(error)
            }
        }
    }
}

/// What qmail-local looks at before it uses a home.
enum HomeState {
    case good
    case missing
    /// Everybody may write to it.
    case open
    /// The sticky bit: its user is editing.
    case sticky

    static func of(_ home: String) throws(ControlError) -> HomeState {
        let status: stat?
        do throws(SystemError) { status = try Files.status(home) } catch {
            throw .unreadable(error)
        }
        guard let status, status.st_mode & S_IFMT == S_IFDIR else { return .missing }
        if status.st_mode & S_ISVTX != 0 { return .sticky }
        return status.st_mode & S_IWOTH != 0 ? .open : .good
    }
}

/// Words of a command as a shell divides them, near enough to know which program it runs.
enum ShellWords {
    /// The most bytes of a line that are looked at.
    private static let maximumLength = 4096

    /// Divides at blanks, `;`, `|` and `&`; quotes and backslashes group.
    static func split(_ line: some Collection<UInt8>) -> [[UInt8]] {
        var words: [[UInt8]] = []
        var word: [UInt8]?
        var quote: UInt8?
        var isEscaped = false
        for byte in line.prefix(maximumLength) {
            if isEscaped {
                word = (word ?? []) + [byte]
                isEscaped = false
            } else if byte == 0x5C, quote != 0x27 {
                isEscaped = true
            } else if let open = quote {
                if byte == open { quote = nil } else { word = (word ?? []) + [byte] }
            } else if byte == 0x27 || byte == 0x22 {
                quote = byte
                word = word ?? []
            } else if byte.isBlank || byte == 0x3B || byte == 0x7C || byte == 0x26 {
                if let word { words.append(word) }
                word = nil
            } else {
                word = (word ?? []) + [byte]
            }
        }
        if let word { words.append(word) }
        return words
    }

    /// True when a word is a program of this name, with or without a folder before it.
    static func isProgram(_ word: [UInt8], _ name: String) -> Bool {
        (word.lastIndex(of: 0x2F).map { word[($0 + 1)...] } ?? word[...]).elementsEqual(name.utf8)
    }
}
