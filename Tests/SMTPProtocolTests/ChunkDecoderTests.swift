// Tests of ChunkDecoder.
// SPDX-License-Identifier: MIT

import Testing

@testable import SMTPProtocol

/// What became of chunks.
private struct Decoded: Equatable {
    var text = ""
    var isComplete = false
    var isWellFormed = true
    var size = 0
    var longestLine = 0

    init(
        _ text: String, wellFormed: Bool = true, complete: Bool = true, size: Int, longest: Int
    ) {
        self.text = text
        isComplete = complete
        isWellFormed = wellFormed
        self.size = size
        longestLine = longest
    }

    /// Decodes each chunk in pieces of so many bytes; more bytes are at hand than the chunk has.
    init(_ chunks: [String], pieces: Int, last: Bool = true, policy: BareLineFeed = .refused) {
        var decoder = ChunkDecoder(bareLineFeed: policy)
        var output: [UInt8] = []
        for (index, chunk) in chunks.enumerated() {
            let bytes = Array(chunk.utf8)
            decoder.begin(size: bytes.count, isLast: last && index == chunks.count - 1)
            var rest = (bytes + Array("QUIT\r\n".utf8))[...]
            while !decoder.isChunkComplete {
                let taken = decoder.decode(Array(rest.prefix(pieces)), into: &output)
                rest = rest.dropFirst(taken)
            }
            #expect(rest.elementsEqual("QUIT\r\n".utf8))
        }
        text = String(decoding: output, as: UTF8.self)
        (isComplete, isWellFormed) = (decoder.isComplete, decoder.isWellFormed)
        (size, longestLine) = (decoder.size, decoder.longestLine)
    }
}

@Suite struct ChunkDecoderTests {
    private static let rows: [([String], Decoded, String)] = [
        (["a\r\nb\r\n"], Decoded("a\nb\n", size: 6, longest: 1), "lines"),
        ([""], Decoded("", size: 0, longest: 0), "BDAT 0 LAST"),
        (["a\r\n", ""], Decoded("a\n", size: 3, longest: 1), "BDAT 0 LAST after a chunk"),
        (["a\r", "\nb\r\n"], Decoded("a\nb\n", size: 6, longest: 1), "CR and LF in two chunks"),
        (["a\r", "", "\n"], Decoded("a\n", size: 3, longest: 1), "an empty chunk between them"),
        (["abc"], Decoded("abc", size: 3, longest: 3), "a last line without an end"),
        ([".\r\n.\r\n"], Decoded(".\n.\n", size: 6, longest: 1), "a dot is a dot"),
        (["..\r\n"], Decoded("..\n", size: 4, longest: 2), "and two are two"),
        (["\r\n.\r\nQUIT\r\n"], Decoded("\n.\nQUIT\n", size: 11, longest: 4), "no end is in it"),
        (["a\rb"], Decoded("ab", wellFormed: false, size: 3, longest: 3), "a CR alone"),
        (["a\r", "b"], Decoded("ab", wellFormed: false, size: 3, longest: 3), "in two chunks"),
        (["a\r\r\n"], Decoded("a\n", wellFormed: false, size: 4, longest: 2), "CR CRLF"),
        (["a\r"], Decoded("a", wellFormed: false, size: 2, longest: 2), "a CR at the end"),
        (["a\r", ""], Decoded("a", wellFormed: false, size: 2, longest: 2), "the end comes later"),
        (["a\nb"], Decoded("a\nb", wellFormed: false, size: 3, longest: 3), "an LF alone"),
        (["a", "\nb"], Decoded("a\nb", wellFormed: false, size: 3, longest: 3), "begins a chunk"),
        (["\0\u{1}é\r\n"], Decoded("\0\u{1}é\n", size: 6, longest: 4), "any other byte passes"),
    ]

    @Test(arguments: rows)
    private func `chunks are counted, and CRLF becomes LF`(
        _ chunks: [String], _ expected: Decoded, _ why: String
    ) {
        for pieces in [1, 2, 3, 100] {
            #expect(Decoded(chunks, pieces: pieces) == expected, "\(why), \(pieces)")
        }
    }

    @Test func `an LF alone can be a line end, a CR alone never`() {
        let taken = Decoded(["ab\n.\nc", "\r\n"], pieces: 1, policy: .mended)
        #expect(taken == Decoded("ab\n.\nc\n", size: 10, longest: 2))
        #expect(!Decoded(["a\n\r", "b"], pieces: 1, policy: .mended).isWellFormed)
    }

    @Test func `a message is not complete before its last chunk is`() {
        #expect(!Decoded(["a\r\n"], pieces: 1, last: false).isComplete)
        var decoder = ChunkDecoder()
        var output: [UInt8] = []
        decoder.begin(size: 3, isLast: true)
        #expect(decoder.decode(Array("ab".utf8), into: &output) == 2)
        #expect(!decoder.isComplete && decoder.remaining == 1)
        #expect(decoder.decode(Array("cd".utf8), into: &output) == 1)
        #expect(decoder.isComplete)
        #expect(decoder.decode(Array("d".utf8), into: &output) == 0)
    }

    @Test func `a line counts as long before it ends`() {
        var decoder = ChunkDecoder()
        var output: [UInt8] = []
        decoder.begin(size: 9, isLast: false)
        _ = decoder.decode(Array("ab\r\nabcde".utf8), into: &output)
        #expect(decoder.longestLine == 5)
    }
}
