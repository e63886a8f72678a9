// AliasCompiler: makes a cdb of an aliases file.
// chainmail(1), alias compile; aliases(5).
// SPDX-License-Identifier: MIT

public import Control
import Glibc
import MailModel
import UnixIO

/// Checks an aliases file, and makes a cdb of it.
public enum AliasCompiler {
    /// Reads a file and looks for loops. Addresses in the domains of `locals` of the control files
    /// are of this host.
    /// - Returns: how many aliases there are.
    /// - Throws: `ControlError` with file and line for what is no alias or leads to itself.
    public static func check(
        _ source: String, _ control: ControlFolder
    ) throws(ControlError) -> Int {
        try read(source, control).entries.count
    }

    private static func read(
        _ source: String, _ control: ControlFolder
    ) throws(ControlError) -> AliasText {
        let routing = try control.line("me") == nil ? nil : QmailRouting(control)
        let text = try AliasText(source)
        try text.checkLoops { mailbox in
            if case .local(_, _, false)? = routing?.route(mailbox) { true } else { false }
        }
        return text
    }

    /// Compiles a file. The new one takes the place of the old one at once, with the permissions of
    /// the file, and says that it was changed when the file was.
    /// - Returns: how many aliases there are.
    /// - Throws: `ControlError` as `check` does; when a database of that name is no one of ours, as
    ///   Postfix's is none; and for what cannot be read or written.
    public static func compile(
        _ source: String, to database: String, _ control: ControlFolder
    ) throws(ControlError) -> Int {
        guard let status = try system({ () throws(SystemError) in try Files.status(source) })
        else { throw .missing(source) }
        let text = try read(source, control)
        guard try FileVersion.of(source) == FileVersion(status) else {
            throw .invalid(file: source, line: nil, reason: "it was changed meanwhile; begin again")
        }
        if let old = try ConstantDatabase.ifPresent(database),
            try old.value(for: []) != AliasTable.format
        {
            throw .invalid(
                file: database, line: nil, reason: "another program's database is not replaced")
        }
        do throws(ConstantDatabaseWriter.Failure) {
            var writer = try writer(database, status.st_mode & 0o777)
            try writer.add([], AliasTable.format)
            for (name, entry) in text.entries {
                try writer.add(name, AliasValue.record(entry.values))
            }
            try writer.commit(modified: status.st_mtim)
        } catch {
            switch error {
            case .system(let error): throw .unreadable(error)
            case .tooLarge, .duplicate:
                throw .invalid(file: database, line: nil, reason: "a cdb has at most 4 GiB")
            }
        }
        return text.entries.count
    }

    private static func writer(
        _ path: String, _ mode: UInt32
    ) throws(ConstantDatabaseWriter.Failure) -> ConstantDatabaseWriter {
        do throws(SystemError) {
            return try ConstantDatabaseWriter(replacing: path, mode: mode)
        } catch { throw .system(error) }
    }

    private static func system<Result>(
        _ body: () throws(SystemError) -> Result
    ) throws(ControlError) -> Result {
        do throws(SystemError) { return try body() } catch { throw .unreadable(error) }
    }
}
