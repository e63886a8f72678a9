// ByteSearch: finding words and lines in bytes.
// memmem(3), memchr(3).
// SPDX-License-Identifier: MIT

import CGMime
import Glibc
import MailModel

extension Collection<UInt8> {
    /// True when a word of small letters is within, in whatever case.
    func holds(_ word: String) -> Bool { asciiLowercased.firstRange(ofExactly: word) != nil }
}

extension [UInt8] {
    /// Where a word is, from an index on.
    func firstRange(ofExactly word: String, from start: Int = 0) -> Range<Int>? {
        guard start <= count else { return nil }
        var word = word
        return word.withUTF8 { word in
            withUnsafeBufferPointer { bytes in
                guard let base = bytes.baseAddress, let needle = word.baseAddress,
                    let found = cgmime_find(base + start, bytes.count - start, needle, word.count)
                else { return nil }
                let offset = found - base
                return offset..<(offset + word.count)
            }
        }
    }

    /// Where the line that holds this index ends: behind its LF, or at the end of all.
    func lineEnd(from start: Int) -> Int {
        withUnsafeBytes { bytes in
            guard start < bytes.count, let base = bytes.baseAddress,
                let found = memchr(base + start, 0x0A, bytes.count - start)
            else { return bytes.count }
            return (UnsafeRawPointer(found) - base) + 1
        }
    }

    /// Each line, its end included.
    func forEachLine(_ body: (Range<Int>) -> Void) {
        var start = 0
        while start < count {
            let end = lineEnd(from: start)
            body(start..<end)
            start = end
        }
    }
}
