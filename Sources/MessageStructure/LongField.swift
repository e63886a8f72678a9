// LongField: a field of a header so long that to read it costs a gigabyte.
// RFC 5322, section 2.2.
// SPDX-License-Identifier: MIT

import MailModel

extension [UInt8] {
    /// True when a field with its folds has more bytes than these, wherever a header may be:
    /// at the beginning, behind an empty line, behind a boundary. GMime makes a list of the
    /// words of a field before anybody can ask how long it is.
    func holdsField(longerThan limit: Int) -> Bool {
        guard count > limit else { return false }
        var start = 0
        var size = 0
        var mayBegin = true
        while start < count, size <= limit {
            let end = lineEnd(from: start)
            if self[start].isBlank, size > 0 {
                size += end - start
            } else if isEmptyLine(start..<end) || beginsBoundary(start..<end) {
                (size, mayBegin) = (0, true)
            } else {
                mayBegin = mayBegin && isField(start..<end)
                size = mayBegin ? end - start : 0
            }
            start = end
        }
        return size > limit
    }

    private func isEmptyLine(_ line: Range<Int>) -> Bool {
        self[line].allSatisfy { $0 == 0x0A || $0 == 0x0D }
    }

    private func beginsBoundary(_ line: Range<Int>) -> Bool {
        line.count >= 2 && self[line.lowerBound] == 0x2D && self[line.lowerBound + 1] == 0x2D
    }

    private func isField(_ line: Range<Int>) -> Bool {
        let name = self[line].prefix { $0 > 0x20 && $0 != 0x3A }
        return !name.isEmpty
            && self[line].dropFirst(name.count).drop(while: \.isBlank).first == 0x3A
    }
}
