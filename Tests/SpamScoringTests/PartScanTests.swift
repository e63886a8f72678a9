// SPDX-License-Identifier: MIT

import SpamScoring
import Testing

@Suite struct PartScanTests {
    private let limit = 256 << 10

    /// What is shown of a message, taken in pieces of so many bytes.
    private func excerpt(_ message: String, pieces: Int = 4096, limit: Int? = nil) -> String? {
        let bytes = Array(message.utf8)
        var scan = PartScan()
        for start in stride(from: 0, to: bytes.count, by: pieces) {
            Array(bytes[start..<min(start + pieces, bytes.count)]).withUnsafeBytes {
                scan.take($0)
            }
        }
        guard let ranges = scan.ranges(limit: limit ?? self.limit) else { return nil }
        #expect(ranges.reduce(0) { $0 + $1.count + 1 } <= (limit ?? self.limit) + 1)
        #expect(zip(ranges, ranges.dropFirst()).allSatisfy { $0.upperBound <= $1.lowerBound })
        return ranges.map { String(decoding: bytes[$0], as: UTF8.self) }.joined(separator: "\n")
    }

    private func lines(_ size: Int) -> String {
        String(repeating: "0123456789abcde\n", count: size / 16)
    }

    private func part(_ type: String, _ body: String) -> String {
        "--b\nContent-Type: \(type)\nX-Of: this part\n\n\(body)"
    }

    private let header = "Subject: x\nContent-Type: multipart/mixed; boundary=b\n\n"

    @Test(arguments: [1, 7, 4096])
    func `of each part its header and its beginning is shown`(_ pieces: Int) throws {
        let message =
            header + part("image/png", lines(600_000)) + part("text/plain", "buy pills\n")
            + part("image/png", lines(600_000)) + part("text/html", lines(100_000) + "end\n")
            + "--b--\n"
        let shown = try #require(excerpt(message, pieces: pieces))
        #expect(shown.contains("buy pills\n"))
        #expect(shown.components("X-Of: this part") == 4)
        #expect(shown.contains("end\n"), "there is room for all of the text")
        #expect(shown.hasSuffix("--b--\n"))
    }

    @Test func `text that is hidden behind many large parts is shown all the same`() throws {
        let noise = (0..<100).map { _ in part("image/png", lines(10_000)) }.joined()
        let shown = try #require(
            excerpt(header + noise + part("text/plain", "buy pills\n") + noise))
        #expect(shown.contains("buy pills\n"))
    }

    @Test(
        arguments: [
            ("text", "text/plain"), ("two types", "image/png\nContent-Type: text/plain"),
            ("a fold", "\n image/png"), ("no type", "x"), ("message", "message/rfc822"),
        ])
    func `what may be text needs more than a little`(_ reason: String, _ type: String) {
        let many = (0..<20).map { _ in part(type, lines(40_000)) }.joined()
        #expect(excerpt(header + many) == nil, "\(reason)")
    }

    @Test func `so many parts that none has room are not known`() {
        #expect(
            excerpt(header + (0..<300).map { _ in part("image/png", lines(2048)) }.joined()) == nil)
        #expect(
            excerpt(header + String(repeating: "--b\n\n", count: PartScan.maximumParts + 1)) == nil)
    }

    @Test func `a header without end is not known`() {
        let long = "X: \(String(repeating: "x", count: PartScan.maximumHeader))\n"
        #expect(excerpt("\(long)\ntext") == nil)
        #expect(excerpt(header + "--b\n\(long)\ntext") == nil)
        #expect(excerpt(String(repeating: "x", count: 1 << 20)) == nil)
    }

    @Test func `what is no delimiter begins no part`() throws {
        let text = header + "-- \nme\n--\n-b\n" + lines(1 << 20)
        let shown = try #require(excerpt(text))
        #expect(shown.contains("boundary=b\n\n-- \nme\n--\n-b\n0123"))
    }

    @Test func `a message without parts is shown from its beginning`() throws {
        let shown = try #require(excerpt("Subject: x\r\n\r\nbuy\r\n" + lines(1 << 20)))
        #expect(shown.hasPrefix("Subject: x\r\n\r\nbuy\r\n0123"))
        #expect(shown.utf8.count > 250_000)
    }

    @Test func `nothing at all is shown whole`() {
        #expect(excerpt("") == "")
        #expect(excerpt("\n") == "\n")
        #expect(excerpt("Subject: x\n--b\n\ny\n--b\n") == "Subject: x\n--b\n\ny\n\n--b\n")
    }
}

extension String {
    /// How often a text is in it.
    fileprivate func components(_ text: String) -> Int { split(separator: text).count - 1 }
}
