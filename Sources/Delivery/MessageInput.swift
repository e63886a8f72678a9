// MessageInput: a message on descriptor 0 as a file that can be read more than once.
// SPDX-License-Identifier: MIT

import Glibc
import UnixIO

/// The rest of descriptor 0. A regular file is used as it is; anything else is copied to a
/// nameless file in `TMPDIR`, else /tmp.
struct MessageInput: ~Copyable {
    let file: OwnedDescriptor
    let offset: Int
    let length: Int

    /// What is on descriptor 0.
    static func open() throws(SystemError) -> MessageInput {
        let input = Descriptor(rawValue: 0)
        let status = try input.status("standard input")
        guard status.st_mode & S_IFMT == S_IFREG else {
            let copy = try Files.nameless(in: Environment.text("TMPDIR") ?? "/tmp")
            let length = try MessageInput.copy(input, to: copy.borrowed)
            return MessageInput(file: copy, offset: 0, length: length)
        }
        let offset = try retrying("lseek", "standard input") { lseek(0, 0, SEEK_CUR) }
        let file = OwnedDescriptor(try retrying("dup", "standard input") { dup(0) })
        return MessageInput(
            file: file, offset: offset, length: max(0, Int(status.st_size) - offset))
    }

    private static func copy(
        _ input: Descriptor, to output: Descriptor
    ) throws(SystemError) -> Int {
        var length = 0
        var chunk = [UInt8](repeating: 0, count: 65_536)
        while true {
            let got = try chunk.withUnsafeMutableBytes { buffer in
                Result { () throws(SystemError) in
                    try input.readSome(into: buffer, "standard input")
                }
            }.get()
            guard got > 0 else { return length }
            try output.writeAll(Array(chunk[..<got]), "copy of the message")
            length += got
        }
    }
}
