// Tests of DataDecoder and ChunkDecoder where an LF that stands alone is a line end, and of every
// short message.
// SPDX-License-Identifier: MIT

import Testing

@testable import SMTPProtocol

/// All strings of CR, LF, dot and `a` up to a length.
private func strings(upTo length: Int) -> [[UInt8]] {
    var all: [[UInt8]] = [[]]
    var last = all
    for _ in 0..<length {
        last = last.flatMap { start in [0x0D, 0x0A, 0x2E, 0x61].map { start + [$0] } }
        all += last
    }
    return all
}

/// What a search for the five bytes says of the end, the CRLF of DATA before them: how many bytes of
/// the wire are the message and its end.
private func end(of wire: [UInt8]) -> Int? {
    let all = [0x0D, 0x0A] + wire
    let mark = Array("\r\n.\r\n".utf8)
    return all.indices.first { all[$0...].starts(with: mark) }.map { $0 + mark.count - 2 }
}

private struct Row: CustomTestStringConvertible, Sendable {
    let wire: String
    let text: String
    let isComplete: Bool
    let why: String

    init(_ wire: String, _ text: String, complete: Bool = false, _ why: String) {
        self.wire = wire
        self.text = text
        isComplete = complete
        self.why = why
    }

    var testDescription: String { why }
}

private let rows: [Row] = [
    Row("a\nb\r\n.\r\n", "a\nb\n", complete: true, "an LF in between is a line end"),
    Row("a\n.\nb", "a\n.\nb", "LF . LF is a line with a dot"),
    Row("a\n.\r\nb", "a\n.\nb", "LF . CRLF is a line with a dot"),
    Row("a\r\n.\nb", "a\n\nb", "CRLF . LF is an empty line: the dot after CRLF goes"),
    Row("a\n..\r\nb", "a\n..\nb", "the dots after LF are the message's own"),
    Row("a\n.b\r\n", "a\n.b\n", "so is one with something after it"),
    Row("a\r\n..b\n..c\r\n", "a\n.b\n..c\n", "a dot goes after CRLF and stays after LF"),
    Row("\n.\r\n", "\n.\n", "LF right after DATA's CRLF"),
    Row("a\n.\r\n.\r\n", "a\n.\n", complete: true, "the true end comes after LF . CRLF"),
    Row("a\n\r\n.\r\n", "a\n\n", complete: true, "LF CRLF . CRLF ends: the last CRLF is one"),
]

@Suite struct BareLFTests {
    @Test(arguments: rows)
    private func `an LF that is a line end never has part in the end`(_ row: Row) {
        let wire = Array(row.wire.utf8)
        for cut in 0...wire.count {
            var decoder = DataDecoder(bareLineFeed: .mended)
            var output: [UInt8] = []
            _ = decoder.decode(Array(wire[..<cut]), into: &output)
            _ = decoder.decode(Array(wire[cut...]), into: &output)
            #expect(String(decoding: output, as: UTF8.self) == row.text, "\(cut)")
            #expect(decoder.isComplete == row.isComplete)
            #expect(decoder.isWellFormed)
        }
    }

    @Test(arguments: ["a\rb\r\n.\r\n", "a\r\r\n.\r\n", "a\n\rb\r\n.\r\n", "\r.\r\n.\r\n"])
    func `a CR that stands alone is refused all the same`(_ wire: String) {
        var decoder = DataDecoder(bareLineFeed: .mended)
        var output: [UInt8] = []
        _ = decoder.decode(Array(wire.utf8), into: &output)
        #expect(decoder.isComplete && !decoder.isWellFormed)
    }

    @Test func `sizes and lines are those of the message with CRLF`() {
        var decoder = DataDecoder(bareLineFeed: .mended)
        var output: [UInt8] = []
        _ = decoder.decode(Array("ab\nabcd\na\r\n.\r\n".utf8), into: &output)
        #expect(decoder.size == 13)
        #expect(decoder.longestLine == 4)
    }

    @Test(arguments: [BareLineFeed.refused, .mended])
    func `every short message ends where CRLF dot CRLF is and nowhere else`(policy: BareLineFeed) {
        for wire in strings(upTo: 7) {
            var decoder = DataDecoder(bareLineFeed: policy)
            var output: [UInt8] = []
            let used = decoder.decode(wire, into: &output)
            #expect(decoder.isComplete == (end(of: wire) != nil), "\(wire)")
            #expect(used == end(of: wire) ?? wire.count, "\(wire)")
            var single = DataDecoder(bareLineFeed: policy)
            var singles: [UInt8] = []
            for byte in wire { _ = single.decode([byte], into: &singles) }
            #expect(singles == output && single.isWellFormed == decoder.isWellFormed, "\(wire)")
            #expect(single.size == decoder.size && single.longestLine == decoder.longestLine)
        }
    }

    @Test func `whatever was taken leaves with one end that each host sees`() throws {
        for wire in strings(upTo: 7) {
            var decoder = DataDecoder(bareLineFeed: .mended)
            var stored: [UInt8] = []
            _ = decoder.decode(wire, into: &stored)
            guard decoder.isWellFormed else { continue }
            var encoder = DataEncoder()
            var sent: [UInt8] = []
            try encoder.encode(stored, into: &sent)
            encoder.finish(into: &sent)
            // The most careless host takes CR or LF for a line end: it must find the same end.
            var lines: [[UInt8]] = [[]]
            for byte in sent {
                if byte == 0x0D || byte == 0x0A {
                    lines.append([])
                } else {
                    lines[lines.count - 1].append(byte)
                }
            }
            #expect(lines.dropLast(2).last == [0x2E], "\(wire)")
            #expect(lines.count { $0 == [0x2E] } == 1, "\(wire)")
            #expect(end(of: sent) == sent.count, "\(wire)")
        }
    }
}
