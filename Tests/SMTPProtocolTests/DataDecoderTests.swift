// Tests of DataDecoder and DataEncoder.
// SPDX-License-Identifier: MIT

import Testing

@testable import SMTPProtocol

/// What became of some wire bytes.
private struct Decoded: Equatable {
    var text: String
    var isComplete: Bool
    var isWellFormed: Bool
    /// What was left for the next command.
    var rest: String

    init(_ text: String, complete: Bool = true, wellFormed: Bool = true, rest: String = "") {
        self.text = text
        isComplete = complete
        isWellFormed = wellFormed
        self.rest = rest
    }

    /// Decodes `wire` in the pieces that `cuts` make of it.
    init(_ wire: [UInt8], cuts: [Int]) {
        var decoder = DataDecoder()
        var output: [UInt8] = []
        var used = 0
        for (start, end) in zip([0] + cuts, cuts + [wire.count]) where !decoder.isComplete {
            used += decoder.decode(Array(wire[start..<end]), into: &output)
        }
        text = String(decoding: output, as: UTF8.self)
        isComplete = decoder.isComplete
        isWellFormed = decoder.isWellFormed
        rest = String(decoding: wire[used...], as: UTF8.self)
    }
}

private struct Row: CustomTestStringConvertible, Sendable {
    let wire: String
    let text: String
    let complete: Bool
    let wellFormed: Bool
    let rest: String
    let why: String

    init(
        _ wire: String, _ text: String, complete: Bool = true, wellFormed: Bool = true,
        rest: String = "", _ why: String
    ) {
        self.wire = wire
        self.text = text
        self.complete = complete
        self.wellFormed = wellFormed
        self.rest = rest
        self.why = why
    }

    var testDescription: String { why }
}

private let rows: [Row] = [
    Row(".\r\n", "", "the command's own CRLF counts, so a dot alone is an empty message"),
    Row("\r\n.\r\n", "\n", "one empty line"),
    Row("a\r\nb\r\n.\r\n", "a\nb\n", "lines"),
    Row("a\r\n.\r\nQUIT\r\n", "a\n", rest: "QUIT\r\n", "what follows is not taken"),
    Row("..\r\n.\r\n", ".\n", "a stuffed dot"),
    Row("...a\r\n.b\r\n.\r\n", "..a\nb\n", "only the first dot goes, whatever follows it"),
    Row(". \r\n.\r\n", " \n", "a dot and a space are a line"),
    Row("a.\r\n.\r\n", "a.\n", "a dot elsewhere is a dot"),
    Row("a\r\n", "a\n", complete: false, "no end yet"),
    Row("a", "a", complete: false, "half a line"),
    Row("a\r\n.", "a\n", complete: false, "half an end"),
    Row("a\r\n.\r", "a\n", complete: false, "most of an end"),
    Row("\0\u{1}é\r\n.\r\n", "\0\u{1}é\n", "NUL, control characters and 8-bit pass"),
    // Smuggling: https://sec-consult.com/blog/detail/smtp-smuggling-spoofing-e-mails-worldwide/
    Row("a\n.\n", "a\n.\n", complete: false, wellFormed: false, "LF . LF"),
    Row("a\n.\r\n", "a\n.\n", complete: false, wellFormed: false, "LF . CRLF"),
    Row("a\r\n.\nb", "a\n\nb", complete: false, wellFormed: false, "CRLF . LF"),
    Row("a\r.\r\n", "a.\n", complete: false, wellFormed: false, "CR . CRLF"),
    Row("a\r.\rb", "a.b", complete: false, wellFormed: false, "CR . CR"),
    Row("a\n.\rb", "a\n.b", complete: false, wellFormed: false, "LF . CR"),
    Row("a\r\n.\rb", "a\nb", complete: false, wellFormed: false, "CRLF . CR"),
    Row("a\r\r\n.\r\r\nb", "a\n\nb", complete: false, wellFormed: false, "CRCRLF . CRCRLF"),
    Row("a\n\r.\n\r", "a\n.\n", complete: false, wellFormed: false, "LFCR . LFCR"),
    Row("a\r\n\0.\r\n", "a\n\0.\n", complete: false, "CRLF NUL . CRLF"),
    Row("a\r\n.\0\r\n", "a\n\0\n", complete: false, "CRLF . NUL CRLF"),
    Row("a\r\0\n.\r\n", "a\0\n.\n", complete: false, wellFormed: false, "CR NUL LF . CRLF"),
    Row(
        "a\n.\r\nMAIL FROM:<x@y>\r\n.\r\nQUIT", "a\n.\nMAIL FROM:<x@y>\n", wellFormed: false,
        rest: "QUIT", "smuggled commands are content up to the true end"),
    Row("a\r\r\n.\r\n", "a\n", wellFormed: false, "a bare CR before the true end"),
    Row("a\n.\n.\r\n.\r\n", "a\n.\n.\n", wellFormed: false, "LF . LF . CRLF before the true end"),
    Row("a\r\n.\n.\r\nb", "a\n\n.\nb", complete: false, wellFormed: false, "CRLF . LF . CRLF"),
    Row("a\r\n.\r.\r\nb", "a\n.\nb", complete: false, wellFormed: false, "CRLF . CR . CRLF"),
    Row("\n.\r\nb", "\n.\nb", complete: false, wellFormed: false, "LF right after DATA's CRLF"),
    Row("\r.\r\nb", ".\nb", complete: false, wellFormed: false, "CR right after DATA's CRLF"),
    Row("a\r\n\r.\r\nb", "a\n.\nb", complete: false, wellFormed: false, "CRLF CR . CRLF"),
    Row("a\r\n\n.\r\nb", "a\n\n.\nb", complete: false, wellFormed: false, "CRLF LF . CRLF"),
    Row("a\r\n..\r\n.\r\n", "a\n.\n", "a stuffed dot alone is a dot alone"),
    Row("a\r\n.\u{85}.\r\n.\r\n", "a\n\u{85}.\n", "NEL is no line end"),
]

@Suite struct DataDecoderTests {
    @Test(arguments: rows)
    private func `only CRLF dot CRLF ends a message, wherever the bytes are split`(_ row: Row) {
        let wire = Array(row.wire.utf8)
        let expected = Decoded(
            row.text, complete: row.complete, wellFormed: row.wellFormed, rest: row.rest)
        #expect(Decoded(wire, cuts: Array(0..<wire.count)) == expected)
        for one in 0...wire.count {
            for other in one...wire.count {
                #expect(Decoded(wire, cuts: [one, other]) == expected, "\(one) \(other)")
            }
        }
    }

    @Test func `size counts CRLF as two bytes and stuffed dots as none`() {
        var decoder = DataDecoder()
        var output: [UInt8] = []
        _ = decoder.decode(Array("..ab\r\n\r\ncd\r\n.\r\n".utf8), into: &output)
        #expect(decoder.size == 11)
        #expect(decoder.longestLine == 3)
    }

    @Test func `what the encoder writes the decoder reads back`() throws {
        var generator = SystemRandomNumberGenerator()
        for _ in 0..<300 {
            let alphabet = Array(".\nab\n.\0".utf8)
            var message = (0..<Int.random(in: 0...64, using: &generator)).map { _ in
                alphabet[Int.random(in: 0..<alphabet.count, using: &generator)]
            }
            var encoder = DataEncoder()
            var wire: [UInt8] = []
            let cut = Int.random(in: 0...message.count, using: &generator)
            try encoder.encode(Array(message[..<cut]), into: &wire)
            try encoder.encode(Array(message[cut...]), into: &wire)
            encoder.finish(into: &wire)
            if let last = message.last, last != 0x0A { message.append(0x0A) }
            var decoder = DataDecoder()
            var output: [UInt8] = []
            #expect(decoder.decode(wire, into: &output) == wire.count)
            #expect(decoder.isComplete && decoder.isWellFormed)
            #expect(output == message)
        }
    }

    @Test func `the encoder refuses a stored CR, bare or before LF`() {
        for message in ["a\rb", "a\r\n", "\r"] {
            var encoder = DataEncoder()
            var wire: [UInt8] = []
            #expect(throws: DataEncoderError.bareCR) {
                try encoder.encode(Array(message.utf8), into: &wire)
            }
        }
    }

    @Test func `the encoder ends a last line that has no end`() throws {
        var encoder = DataEncoder()
        var wire: [UInt8] = []
        try encoder.encode(Array(".a\n..\nb".utf8), into: &wire)
        encoder.finish(into: &wire)
        #expect(String(decoding: wire, as: UTF8.self) == "..a\r\n...\r\nb\r\n.\r\n")
    }

    @Test func `the search finds each of CR and LF at every position and alignment`() {
        for length in 0..<40 {
            for position in 0..<length {
                for byte in [UInt8(0x0D), 0x0A] {
                    var bytes = [UInt8](repeating: 0x0B, count: length)
                    bytes[position] = byte
                    let found = bytes.withUnsafeBytes { $0.firstLineEnd(from: 0) }
                    #expect(found == position)
                    let later = bytes.withUnsafeBytes { $0.firstLineEnd(from: position + 1) }
                    #expect(later == nil)
                    let feed = bytes.withUnsafeBytes { $0.firstLF(from: position) }
                    #expect(feed == (byte == 0x0A ? position : nil))
                }
            }
        }
    }
}
