// LogLine: one line of a log of smtp-server, read back.
// throttle(8), section SIMULATION; chainmail(7), section LOGS.
// SPDX-License-Identifier: MIT

import MailModel

/// An event and its pairs.
struct LogLine {
    let event: String
    private let pairs: [(key: String, value: [UInt8])]
    /// Microseconds since 1970-01-01 UTC, when the line begins with a time that we know.
    let time: UInt64?

    private static let mark = Array("smtp-server: event=".utf8)

    /// Reads a line; nil when smtp-server did not write it. What stands before is the time, or
    /// whatever whoever keeps the log puts there.
    init?(_ line: some RandomAccessCollection<UInt8>) {
        let line = Array(line)
        guard let start = LogLine.find(LogLine.mark, in: line) else { return nil }
        var rest = line[(start + LogLine.mark.count)...]
        event = LogLine.word(&rest).printable
        var pairs: [(key: String, value: [UInt8])] = []
        while let equals = rest.firstIndex(of: 0x3D) {
            let key = rest[..<equals].trimmed.printable
            rest = rest[(equals + 1)...]
            pairs.append((key, LogLine.word(&rest)))
        }
        self.pairs = pairs
        time = LogTime.read(line[..<start])
    }

    /// The value of a key; nil when it is not there.
    subscript(key: String) -> [UInt8]? { pairs.first { $0.key == key }?.value }

    /// The code of the reply; 0 when there is none.
    var code: Int { self["code"]?.decimalValue ?? 0 }

    private static func find(_ mark: [UInt8], in line: [UInt8]) -> Int? {
        guard line.count >= mark.count else { return nil }
        return (0...(line.count - mark.count)).first { index in
            line[index] == mark[0] && line[index...].starts(with: mark)
        }
    }

    /// A value as UnixIO's `Log` writes it: plain up to a blank, or quoted with escapes.
    private static func word(_ rest: inout ArraySlice<UInt8>) -> [UInt8] {
        guard rest.first == 0x22 else {
            let word = rest.prefix { $0 != 0x20 }
            rest = rest[word.endIndex...].dropFirst()
            return Array(word)
        }
        rest = rest.dropFirst()
        var word: [UInt8] = []
        while let byte = rest.popFirst(), byte != 0x22 {
            guard byte == 0x5C, let escaped = rest.popFirst() else {
                word.append(byte)
                continue
            }
            guard escaped == 0x78 else {
                word.append(escaped)
                continue
            }
            let digits = String(decoding: rest.prefix(2), as: UTF8.self)
            rest = rest.dropFirst(2)
            word.append(UInt8(digits, radix: 16) ?? 0x3F)
        }
        rest = rest.drop { $0 == 0x20 }
        return word
    }
}
