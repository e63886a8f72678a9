// Tests of LineBuffer.
// SPDX-License-Identifier: MIT

import SMTPProtocol
import Testing

@Suite struct LineBufferTests {
    /// Every line that comes of these bytes, fed so many at a time.
    private func lines(_ text: String, by count: Int = .max) -> [CommandLine] {
        var buffer = LineBuffer(capacity: 64, lineLimit: 16)
        var rest = Array(text.utf8)[...]
        var lines: [CommandLine] = []
        while !rest.isEmpty {
            rest = rest.dropFirst(buffer.append(rest.prefix(count)))
            while let line = buffer.nextLine() { lines.append(line) }
        }
        return lines
    }

    private static let rows: [(String, [CommandLine])] = [
        ("NOOP\r\n", [.line(Array("NOOP".utf8))]),
        ("\r\n", [.line([])]),
        ("NOOP\n", [.bareLF]),
        ("\n\n", [.bareLF, .bareLF]),
        ("NO\nOP\r\n", [.bareLF, .line(Array("OP".utf8))]),
        ("N\rOP\r\r\n", [.line(Array("N\rOP\r".utf8))]),
        ("0123456789abcdef\r\n", [.line(Array("0123456789abcdef".utf8))]),
        ("0123456789abcdefg\r\nA\r\n", [.tooLong, .line([0x41])]),
        (String(repeating: "x", count: 500) + "\r\nA\r\n", [.tooLong, .line([0x41])]),
        ("A\r\nB\r\nC", [.line([0x41]), .line([0x42])]),
        ("\0\r\n", [.line([0])]),
    ]

    @Test(arguments: rows)
    func `lines are the same however they arrive`(_ text: String, _ expected: [CommandLine]) {
        for count in [1, 2, 3, 7, 64, 1000] {
            #expect(lines(text, by: count) == expected, "\(count) at a time")
        }
    }

    @Test func `what is not taken stays, and there is always room`() {
        var buffer = LineBuffer(capacity: 32, lineLimit: 16)
        var taken: [UInt8] = []
        for byte in UInt8(0)..<200 {
            #expect(buffer.append([byte, byte]) == 2)
            buffer.take { bytes in
                taken.append(contentsOf: bytes.prefix(2))
                return 2
            }
        }
        #expect(taken == (UInt8(0)..<200).flatMap { [$0, $0] })
        #expect(buffer.isEmpty)
    }

    @Test func `a false count from outside changes nothing`() {
        var buffer = LineBuffer(capacity: 32, lineLimit: 16)
        #expect(buffer.fill { _ in -1 } == 0)
        #expect(buffer.fill { $0.count + 1 } == 32)
        buffer.take { $0.count + 5 }
        #expect(buffer.isEmpty)
    }
}
