// MailboxCompiler: makes a cdb of a list of mailboxes.
// chainmail(1), mailboxes compile; recipient-sources(5), cdb:PATH.
// SPDX-License-Identifier: MIT

public import Control
import Glibc
import MailModel
import UnixIO

/// Makes a cdb of a list of mailboxes: a look-up costs the same however many there are, and a
/// start reads none of them.
///
/// The keys are the addresses with small letters, whose data is the path or nothing; the domains,
/// with no data; and the empty key, whose data names the format.
public enum MailboxCompiler {
    /// How many were compiled.
    public struct Counts: Hashable, Sendable {
        /// Lines, those of `@domain` among them.
        public var mailboxes = 0
        /// Different domains.
        public var domains = 0
    }

    /// Compiles a list. It is read piece by piece; in memory are the domains and 24 bytes for each
    /// mailbox. The new file takes the place of the old one at once, with the permissions of the
    /// list, and says that it was changed when the list was.
    /// - Throws: `ControlError` with file and line for a bad line and for a mailbox that is there
    ///   twice, when the list changes meanwhile, and for what cannot be read or written. An old
    ///   file then stays as it is.
    public static func compile(
        _ source: String, to database: String
    ) throws(ControlError) -> Counts {
        let list = try LineFile(source)
        var writer = try writing { () throws(SystemError) in
            try ConstantDatabaseWriter(replacing: database, mode: list.status.st_mode & 0o777)
        }
        var counts = Counts()
        var domains: Set<[UInt8]> = []
        do throws(ConstantDatabaseWriter.Failure) {
            try writer.add([], ConstantDatabase.mailboxFormat)
        } catch { throw failure(error, source, database) }
        while let (number, line) = try list.next() {
            let entry = try parse(line, source, number)
            do throws(ConstantDatabaseWriter.Failure) {
                let domain = Array(entry.domain)
                if domains.insert(domain).inserted { try writer.add(domain, []) }
                try writer.add(entry.key, entry.text)
                counts.mailboxes += 1
            } catch { throw failure(error, source, database) }
        }
        try list.checkUnchanged()
        do throws(ConstantDatabaseWriter.Failure) {
            try writer.commit(modified: list.status.st_mtim)
        } catch { throw failure(error, source, database) }
        counts.domains = domains.count
        return counts
    }

    private static func parse(
        _ line: ArraySlice<UInt8>, _ source: String, _ number: Int
    ) throws(ControlError) -> MailboxLine {
        do throws(MailboxLine.Failure) { return try MailboxLine(line) } catch {
            throw .invalid(file: source, line: number, reason: error.reason)
        }
    }

    private static func writing<Result: ~Copyable>(
        _ body: () throws(SystemError) -> Result
    ) throws(ControlError) -> Result {
        do throws(SystemError) { return try body() } catch { throw .unreadable(error) }
    }

    private static func failure(
        _ failure: ConstantDatabaseWriter.Failure, _ source: String, _ database: String
    ) -> ControlError {
        switch failure {
        case .system(let error): .unreadable(error)
        case .tooLarge: .invalid(file: database, line: nil, reason: "a cdb has at most 4 GiB")
        case .duplicate(let key): duplicate(key, source)
        }
    }

    /// Names the second line of a mailbox. It is looked for in the list again.
    private static func duplicate(_ key: [UInt8], _ source: String) -> ControlError {
        do throws(ControlError) {
            let list = try LineFile(source)
            var first: Int?
            while let (number, line) = try list.next() {
                guard try parse(line, source, number).key == key else { continue }
                if let first {
                    return .invalid(
                        file: source, line: number,
                        reason: "\(key.printable) is in line \(first) already")
                }
                first = number
            }
            return .invalid(file: source, line: nil, reason: "\(key.printable) is there twice")
        } catch { return error }
    }
}

/// The lines of a file that is read piece by piece: those of a control file, without blanks at
/// their end, without empty ones and comments.
private final class LineFile {
    /// The longest line, in bytes: an address and a path.
    private static let longestLine = 8192
    private static let pieceSize = 1 << 18

    let status: stat
    private let path: String
    private let file: OwnedDescriptor
    private var piece: [UInt8] = []
    private var start = 0
    private var offset = 0
    private var number = 0

    init(_ path: String) throws(ControlError) {
        self.path = path
        do throws(SystemError) {
            file = try Files.open(path, O_RDONLY)
            status = try file.borrowed.status(path)
        } catch { throw .unreadable(error) }
    }

    /// The next line and its number from 1; nil at the end.
    func next() throws(ControlError) -> (Int, ArraySlice<UInt8>)? {
        while let line = try nextLine() {
            number += 1
            guard let last = line.lastIndex(where: { !$0.isBlank }), line.first != 0x23 else {
                continue
            }
            return (number, line[...last])
        }
        return nil
    }

    private func nextLine() throws(ControlError) -> ArraySlice<UInt8>? {
        if let end = piece[start...].firstIndex(of: 0x0A) {
            defer { start = end + 1 }
            return piece[start..<end]
        }
        let rest = Array(piece[start...])
        guard rest.count <= LineFile.longestLine else {
            throw .invalid(
                file: path, line: number + 1,
                reason: "the line has more than \(LineFile.longestLine) bytes")
        }
        let more: [UInt8]
        do throws(SystemError) {
            more = try file.borrowed.bytes(at: offset, count: LineFile.pieceSize, path)
        } catch { throw .unreadable(error) }
        offset += more.count
        piece = rest + more
        start = 0
        if !more.isEmpty { return try nextLine() }
        defer { start = piece.count }
        return piece.isEmpty ? nil : piece[...]
    }

    /// - Throws: `ControlError` when the file is another one than it was.
    func checkUnchanged() throws(ControlError) {
        guard try FileVersion.of(path) == FileVersion(status) else {
            throw .invalid(file: path, line: nil, reason: "it was changed meanwhile; begin again")
        }
    }
}
