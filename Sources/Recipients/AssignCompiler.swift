// AssignCompiler: makes users/cdb of users/assign.
// chainmail(1), assign compile; qmail-users(5), qmail-newu(8).
// SPDX-License-Identifier: MIT

public import Control
import Glibc
import MailModel
import UnixIO

/// Makes a users/cdb as qmail-newu makes it, which qmail-lspawn, vpopmail and we read alike.
public enum AssignCompiler {
    /// How many were compiled.
    public struct Counts: Hashable, Sendable {
        /// Lines that count.
        public var assignments = 0
        /// Lines whose name was there before: the first one counts.
        public var shadowed = 0
    }

    /// Compiles a file. The new one takes the place of the old one at once, and is readable for
    /// everybody, as is the one of qmail-newu.
    /// - Throws: `ControlError` with file and line for a bad line, for a file without the line `.`
    ///   at its end, and for what cannot be read or written. An old file then stays as it is.
    public static func compile(
        _ source: String, to database: String
    ) throws(ControlError) -> Counts {
        let bytes: [UInt8]
        do throws(SystemError) {
            bytes = try Files.contents(of: source, limit: ControlFolder.maximumSize)
        } catch { throw .unreadable(error) }
        var counts = Counts()
        var ends: [UInt8] = []
        var keys: Set<[UInt8]> = []
        var isWhole = false
        do {
            var writer = try ConstantDatabaseWriter(replacing: database, mode: 0o644)
            for (index, line) in bytes.split(separator: 0x0A, omittingEmptySubsequences: false)
                .enumerated()
            {
                isWhole = line.elementsEqual([0x2E])
                if isWhole { break }
                // What follows the last line end is no line.
                if line.isEmpty, line.endIndex == bytes.endIndex { break }
                guard let (key, data) = record(line) else {
                    throw ControlError.invalid(
                        file: source, line: index + 1,
                        reason: "not =local:user:uid:gid:home:dash:ext: or +prefix:...:")
                }
                guard keys.insert(key).inserted else {
                    counts.shadowed += 1
                    continue
                }
                try writer.add(key, data)
                counts.assignments += 1
                if let end = key.last, end != 0, key.count > 1, !ends.contains(end) {
                    ends.append(end)
                }
            }
            guard isWhole else {
                throw ControlError.invalid(
                    file: source, line: nil, reason: "the line . at the end is missing")
            }
            try writer.add([], ends)
            try writer.commit()
        } catch let error as ControlError {
            throw error
        } catch let error as SystemError {
            throw .unreadable(error)
        } catch ConstantDatabaseWriter.Failure.system(let error) {
            throw .unreadable(error)
        } catch {
            throw .invalid(file: database, line: nil, reason: "a cdb has at most 4 GiB")
        }
        return counts
    }

    /// The key and the data of a line; nil when it is none.
    private static func record(_ line: ArraySlice<UInt8>) -> (key: [UInt8], data: [UInt8])? {
        let fields = line.dropFirst().split(
            separator: 0x3A, maxSplits: 7, omittingEmptySubsequences: false)
        guard fields.count == 8, !line.contains(0), !fields[1].isEmpty,
            fields[2].decimalValue.flatMap(uid_t.init(exactly:)) != nil,
            fields[3].decimalValue.flatMap(gid_t.init(exactly:)) != nil,
            fields[4].first == 0x2F
        else { return nil }
        let data = Array(fields[1...6].joined(separator: [0]))
        let name = [0x21] + fields[0].asciiLowercased
        switch line.first {
        case 0x3D: return (name + [0], data)
        case 0x2B: return (name, data)
        default: return nil
        }
    }
}
