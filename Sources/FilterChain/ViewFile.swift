// ViewFile: the message as a plain file, for a step that reads no other way.
// filter-protocol(7), section ONE MESSAGE, ONE PROCESS.
// SPDX-License-Identifier: MIT

import Glibc
public import MailModel
public import UnixIO

/// Makes plain files of messages.
public enum ViewFile {
    /// Up to this size a copy is kept in memory.
    public static let memoryLimit = 1 << 20
    private static let chunkSize = 262_144

    /// Opens the message, with the pending edits made, as a file that holds nothing else, at its
    /// beginning. A copy is made only when edits are pending or the base holds more than the
    /// message.
    /// - Throws: `SystemError`; `EIO` when the base is shorter than it was said to be.
    public static func make(
        _ base: Descriptor?, offset: Int, length: Int, _ overlay: HeaderOverlay
    ) throws(SystemError) -> OwnedDescriptor {
        guard let base, length > 0 || !overlay.top.isEmpty else {
            return try Files.open("/dev/null", 0)
        }
        if overlay.isEmpty, offset == 0, Int(try base.status("message").st_size) == length {
            // A file that another user opened for us may not be opened again.
            if let file = try? Files.open("/proc/self/fd/\(base.rawValue)", O_RDONLY) {
                return file
            }
        }
        let file = try temporary(for: length)
        try copy(base, offset, length, overlay, to: file.borrowed)
        return try file.reopenedForReading()
    }

    /// Writes the message with the pending edits made.
    /// - Throws: `SystemError`; `EIO` when the base is shorter than it was said to be.
    public static func copy(
        _ base: Descriptor, _ offset: Int, _ length: Int, _ overlay: HeaderOverlay,
        to target: Descriptor
    ) throws(SystemError) {
        try target.writeAll(overlay.top, "message copy")
        var header = HeaderFieldFilter(removing: overlay.removedNames)
        var isHeader = !overlay.removedNames.isEmpty
        var done = 0
        while done < length {
            let wanted = min(chunkSize, length - done)
            let chunk = try base.bytes(at: offset + done, count: wanted, "message")
            guard chunk.count == wanted else { throw SystemError("pread", "message", .ioError) }
            done += wanted
            guard isHeader else {
                try target.writeAll(chunk, "message copy")
                continue
            }
            var kept: [UInt8] = []
            let taken = chunk.withUnsafeBytes { header.take($0, into: &kept) }
            isHeader = !header.isDone
            try target.writeAll(kept + chunk[taken...], "message copy")
        }
        var rest: [UInt8] = []
        header.finish(into: &rest)
        try target.writeAll(rest, "message copy")
    }

    /// A nameless file for about so many bytes: in memory for few of them, and where no folder
    /// can hold one; else on disk.
    public static func temporary(for length: Int) throws(SystemError) -> OwnedDescriptor {
        guard length > memoryLimit else { return try Files.inMemory("message") }
        do {
            return try Files.nameless(in: Environment.text("TMPDIR") ?? "/tmp")
        } catch {
            return try Files.inMemory("message")
        }
    }
}
