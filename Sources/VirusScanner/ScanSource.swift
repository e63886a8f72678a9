// ScanSource: the bytes that libclamav asks for: a few of ours, then a part of a file.
// clcb_pread, clamav.h.
// SPDX-License-Identifier: MIT

import Glibc
import Scanning
import UnixIO

/// What is scanned: a prefix, then `length` bytes of a file from `offset` on.
final class ScanSource {
    let descriptor: Descriptor
    let offset: Int
    let length: Int
    let prefix: [UInt8]
    /// True when some of it could not be read. libclamav takes that for the end of the file, and
    /// what it did see for all.
    private(set) var isBroken = false

    /// What libclamav recognised in it and cannot open; nil: nothing.
    var unopened: String?
    /// The names of all alerts, in order.
    var alerts: [String] = []

    /// True when libclamav could not write what it unpacked.
    var hasLostWrite = false

    init(_ descriptor: Descriptor, offset: Int, length: Int, prefix: [UInt8] = []) {
        self.descriptor = descriptor
        self.offset = offset
        self.length = length
        self.prefix = prefix
    }

    /// Prefix and file together.
    var count: Int { prefix.count + length }

    /// Reads as pread(2) does; -1 when the file cannot be read.
    func read(into buffer: UnsafeMutableRawBufferPointer, at position: Int) -> Int {
        guard position >= 0, position < count else { return 0 }
        let room = UnsafeMutableRawBufferPointer(
            rebasing: buffer[..<min(buffer.count, count - position)])
        var filled = 0
        if position < prefix.count {
            filled = min(room.count, prefix.count - position)
            room.copyBytes(from: prefix[position..<(position + filled)])
        }
        while filled < room.count {
            let rest = UnsafeMutableRawBufferPointer(rebasing: room[filled...])
            let place = offset + position + filled - prefix.count
            let got = (try? descriptor.readSome(into: rest, at: place, "message")) ?? 0
            // The end that comes too early is an error too.
            guard got > 0 else {
                isBroken = true
                return -1
            }
            filled += got
        }
        return filled
    }

    /// All of it; less when it could not be read.
    func contents() -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            filled = max(0, read(into: UnsafeMutableRawBufferPointer(buffer), at: 0))
        }
    }

    /// True when it begins with a header field.
    var beginsWithField: Bool {
        var bytes = [UInt8](repeating: 0, count: MailStart.length)
        let count = bytes.withUnsafeMutableBytes { read(into: $0, at: 0) }
        return MailStart.isField(bytes.prefix(max(0, count)))
    }
}
