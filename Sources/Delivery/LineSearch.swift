// LineSearch: is there exactly this line among those that flow by.
// SPDX-License-Identifier: MIT

/// Looks for one line in bytes that come in pieces of any size.
struct LineSearch {
    private let line: [UInt8]
    /// How many bytes of the current line agree so far; -1 when it is another one.
    private var matched = 0

    /// True when the line went by.
    private(set) var hasFound = false

    /// A search for a line without its LF.
    init(_ line: [UInt8]) { self.line = line }

    mutating func take(_ piece: UnsafeRawBufferPointer) {
        for byte in piece {
            if byte == 0x0A {
                hasFound = hasFound || matched == line.count
                matched = 0
            } else if matched >= 0 {
                matched = matched < line.count && line[matched] == byte ? matched + 1 : -1
            }
        }
    }

    /// At the end: the last line may have no LF.
    mutating func finish() { hasFound = hasFound || matched == line.count }
}
