// MboxFile: a message at the end of an mbox file.
// RFC 4155; mbox(5), the form mboxrd; Debian Policy, section 11.6.
// SPDX-License-Identifier: MIT

import Glibc
import MailModel
import SystemPackage
import UnixIO

/// An mbox file that is locked, to which one message is added. One that is not committed is cut
/// off again.
///
/// A process that is killed in the middle leaves a part of the message at the end of the file: the
/// form has no way around that. The next message begins on a line of its own all the same.
public struct MboxFile: ~Copyable {
    /// How long locks are waited for.
    static let patience = Duration.seconds(30)

    private var locked: LockedMbox
    private let path: String
    private var quoting = FromQuoting()
    private var isCommitted = false

    /// Opens a file, making it when it is missing (mode 0600; never its folder), and locks it.
    /// - Throws: `SystemError`; `ETIMEDOUT` when others keep it locked until the deadline.
    static func open(
        _ path: String, fromLine: [UInt8], deadline: Deadline
    ) throws(SystemError) -> MboxFile {
        let file = MboxFile(try LockedMbox.open(path, deadline), path)
        let size = file.locked.size
        let end = try file.file.bytes(at: max(0, size - 2), count: min(2, size), path)
        try file.file.writeAll(MboxFile.separator(after: end) + fromLine, path)
        return file
    }

    private init(_ locked: consuming LockedMbox, _ path: String) {
        self.locked = locked
        self.path = path
    }

    deinit {
        if !isCommitted {
            try? file.truncate(to: locked.size, path)
            try? file.syncData(path)
        }
    }

    private var file: Descriptor { locked.file.borrowed }

    /// True when there is no lock file, since the folder may not be written.
    var lacksLockFile: Bool { locked.lock.lacksFile }

    /// Adds bytes at the end.
    /// - Throws: `SystemError`.
    public mutating func write(_ bytes: [UInt8]) throws(SystemError) {
        var output: [UInt8] = []
        output.reserveCapacity(bytes.count + 64)
        quoting.quote(bytes, into: &output)
        try file.writeAll(output, path)
        locked.lock.keep()
    }

    /// Ends the message and waits until it is on disk.
    /// - Returns: the path.
    /// - Throws: `SystemError`; the file is then as it was.
    public consuming func commit() throws(SystemError) -> String { try finish() }

    private mutating func finish() throws(SystemError) -> String {
        var output: [UInt8] = []
        quoting.finish(into: &output)
        try file.writeAll(output, path)
        try file.sync(path)
        if locked.isNew {
            let folder = Maildir.parent(of: path)
            let opened = try Files.openFolder(folder)
            try opened.borrowed.sync(folder)
            withExtendedLifetime(opened) {}
        }
        isCommitted = true
        return path
    }

    /// What must be written so that a From_ line follows an empty line: who was killed here before
    /// may have left the last line without its end.
    private static func separator(after end: [UInt8]) -> [UInt8] {
        if end.isEmpty || end == [0x0A, 0x0A] { return [] }
        return end.last == 0x0A ? [0x0A] : [0x0A, 0x0A]
    }

    /// `From sender Thu Nov 26 22:10:26 2026`, in UTC; MAILER-DAEMON for the null reverse-path.
    /// Blanks and control characters of an address become `-`, as in qmail.
    static func fromLine(_ reversePath: ReversePath, seconds: Int) -> [UInt8] {
        let sender =
            reversePath.isNull
            ? Array("MAILER-DAEMON".utf8)
            : reversePath.bytes.map { $0 <= 0x20 || $0 == 0x7F ? 0x2D : $0 }
        var time = time_t(min(max(0, seconds), 253_402_300_799))
        var parts = tm()
        gmtime_r(&time, &parts)
        var text = [CChar](repeating: 0, count: 64)
        strftime(&text, text.count, "%a %b %e %H:%M:%S %Y", &parts)
        let date = text.prefix { $0 != 0 }.map(UInt8.init(bitPattern:))
        return Array("From ".utf8) + sender + [0x20] + date + [0x0A]
    }
}

/// Puts a `>` before each line that is `From ` after any number of `>`, so that it is never taken
/// for the beginning of a message and can be told from what was written so: mboxrd.
struct FromQuoting {
    private static let word = Array("From ".utf8)
    /// How much of `From ` the line has after its `>`; nil when it is another line.
    private var matched: Int? = 0
    private var lastByte: UInt8 = 0x0A

    /// Takes the next bytes of a message.
    mutating func quote(_ bytes: [UInt8], into output: inout [UInt8]) {
        var index = bytes.startIndex
        while index < bytes.endIndex {
            guard let count = matched else {
                // The rest of a line that begins otherwise.
                let end = bytes[index...].firstIndex(of: 0x0A) ?? bytes.endIndex - 1
                output += bytes[index...end]
                if bytes[end] == 0x0A { matched = 0 }
                index = end + 1
                continue
            }
            take(bytes[index], count, into: &output)
            index += 1
        }
        lastByte = bytes.last ?? lastByte
    }

    /// At the end: the line end that is missing, and the empty line between messages.
    mutating func finish(into output: inout [UInt8]) {
        output += FromQuoting.word[..<(matched ?? 0)]
        if lastByte != 0x0A { output.append(0x0A) }
        output.append(0x0A)
        matched = 0
    }

    /// A byte of the beginning of a line. One `>` more or less among others is the same wherever
    /// it stands, so those of the line go out as they come.
    private mutating func take(_ byte: UInt8, _ count: Int, into output: inout [UInt8]) {
        if count == 0, byte == 0x3E {
            output.append(byte)
        } else if byte == FromQuoting.word[count] {
            matched = count + 1
            guard count + 1 == FromQuoting.word.count else { return }
            output.append(0x3E)
            output += FromQuoting.word
            matched = nil
        } else {
            output += FromQuoting.word[..<count]
            output.append(byte)
            matched = byte == 0x0A ? 0 : nil
        }
    }
}
