// Rescan: what GMime passed over in bytes that it has read.
// RFC 2046, section 5.1.
// SPDX-License-Identifier: MIT

import MailModel

/// A second look at a message, line by line.
///
/// GMime reads what the boundary says that was declared. A boundary that is missing, in the wrong
/// case, the beginning of another or broken over lines makes parts vanish, as does a place where no
/// part should be, before the first boundary or behind the last; and still some mail reader shows
/// them. So each line that begins with `--` and has fields of MIME behind it begins a part here,
/// unless GMime found that part. What is in no part at all is text.
struct Rescan {
    /// Where parts are that were not found, with their headers.
    private(set) var parts: [Range<Int>] = []
    /// Headers that go over into something that is no field, and where: an empty line is missing.
    private(set) var torn: [(header: Range<Int>, rest: Range<Int>)] = []
    /// Lines that are in no part, no header and no boundary.
    private(set) var loose: [UInt8] = []

    private let bytes: [UInt8]
    private let known: Set<Int>
    private let contents: [Range<Int>]
    private var nextContent = 0
    /// The line with `--` whose header is being read.
    private var boundary: Range<Int>?
    private var open: (start: Int, boundary: [UInt8])?
    private var header: (start: Int, end: Int)?
    private var openTear: (header: Range<Int>, start: Int)?

    /// Looks through bytes in which these entities were found.
    init(_ bytes: [UInt8], _ entities: [Entity]) {
        self.bytes = bytes
        known = Set(entities.flatMap { $0.fields.map(\.offset) })
        contents = entities.compactMap(\.content).sorted { $0.lowerBound < $1.lowerBound }
        var start = 0
        while start < bytes.count {
            let end = bytes.lineEnd(from: start)
            take(start..<end)
            start = end
        }
        close(at: bytes.count)
        closeTear(at: bytes.count)
    }

    private mutating func take(_ line: Range<Int>) {
        let isBlank = isBlank(line)
        if begins(line, with: "--"), line.count > 3 { return takeBoundary(line) }
        if known.contains(line.lowerBound) {
            boundary = nil
            header = (header?.start ?? line.lowerBound, line.upperBound)
            return
        }
        if let from = boundary, beginsFieldOfMIME(line) {
            close(at: from.lowerBound)
            open = (from.upperBound, Array(bytes[from].trimmed))
            boundary = nil
        }
        if isBlank {
            boundary = nil
            header = nil
        }
        guard !isBlank, !isInContent(line) else { return }
        if let above = header, above.end == line.lowerBound {
            if bytes[line.lowerBound].isBlank {
                header = (above.start, line.upperBound)
                return
            }
            if openTear == nil { openTear = (above.start..<above.end, line.lowerBound) }
            header = nil
        }
        // The line of an mbox that stands before the header.
        if line.lowerBound == 0, begins(line, with: "from ") { return }
        loose += bytes[line]
    }

    private mutating func takeBoundary(_ line: Range<Int>) {
        boundary = line
        header = nil
        closeTear(at: line.lowerBound)
        guard let open else { return }
        let text = bytes[line].trimmed
        if text.elementsEqual(open.boundary) || text.elementsEqual(open.boundary + [0x2D, 0x2D]) {
            close(at: line.lowerBound)
        }
    }

    private mutating func close(at end: Int) {
        if let open, open.start < end { parts.append(open.start..<end) }
        open = nil
    }

    private mutating func closeTear(at end: Int) {
        if let tear = openTear, tear.start < end { torn.append((tear.header, tear.start..<end)) }
        openTear = nil
    }

    private func isBlank(_ line: Range<Int>) -> Bool {
        bytes[line].allSatisfy { $0 == 0x0A || $0 == 0x0D }
    }

    private mutating func isInContent(_ line: Range<Int>) -> Bool {
        while nextContent < contents.count, contents[nextContent].upperBound <= line.lowerBound {
            nextContent += 1
        }
        return nextContent < contents.count && contents[nextContent].lowerBound <= line.lowerBound
    }

    private func begins(_ line: Range<Int>, with word: String) -> Bool {
        let length = word.utf8.count
        return line.count >= length
            && bytes[line.lowerBound..<(line.lowerBound + length)].equalsIgnoringASCIICase(
                word.utf8)
    }

    private func beginsFieldOfMIME(_ line: Range<Int>) -> Bool {
        begins(line, with: "content-") && bytes[line].contains(0x3A)
    }
}
