// A stored message with its edits, in pieces.
// SPDX-License-Identifier: MIT

import MailModel
import SMTPClient
import Testing
import UnixIO

@testable import Delivery

@Suite struct MessageReaderTests {
    private func read(
        _ message: [UInt8], _ edits: [Edit] = [], top: [UInt8] = []
    ) throws -> [UInt8] {
        let stored = try StoredMessage(message)
        let request = try stored.request(["a@y.test"], edits)
        var reader = MessageReader(request, stored.file.borrowed, top: top)
        var all: [UInt8] = []
        while let piece = try reader.next() {
            #expect(piece.count <= MessageReader.pieceSize + top.count + 1000)
            all += piece
        }
        #expect(try reader.next() == nil)
        return all
    }

    @Test(
        arguments: [
            ("", "nothing at all"), ("\n", "an empty header"), ("\n\n", "and an empty line"),
            ("body without header", "no field"), ("Subject: x", "a field without its end"),
            ("Subject: x\n", "a header alone"), ("Subject: x\n\n", "an empty body"),
            ("Subject: x\n\nno final line end", "a body without its end"),
            (" folded\nfrom: nothing\n\nx", "a fold of nothing"),
            ("A: b\r\n\r\nx\r\n", "CRLF"), ("A: \0\n\n\0\u{1}\r.\n..\n", "NUL, CR and dots"),
            (":\n:x\nFrom x\n\n", "lines that are no fields"),
        ])
    func `without edits every byte is as it was`(_ text: String, _ reason: String) throws {
        #expect(try read(bytes(text)) == bytes(text))
        #expect(try read(bytes(text), top: bytes("T: 1\n")) == bytes("T: 1\n" + text))
    }

    @Test(arguments: [65_535, 65_536, 65_537, 200_000])
    func `a long message is whole`(_ length: Int) throws {
        let line = bytes("X-Long: \(String(repeating: "y", count: 990))\n")
        var header = bytes("Remove: me\n")
        while header.count < length { header += line }
        let body = (0..<length).map { UInt8(truncatingIfNeeded: $0 &* 7) }
        #expect(try read(header + [0x0A] + body) == header + [0x0A] + body)
        let edited = try read(header + [0x0A] + body, [.remove(name: bytes("remove"))])
        #expect(edited == header.dropFirst(11) + [0x0A] + body)
        let headerOnly = try read(header, [.remove(name: bytes("X-LONG"))])
        #expect(headerOnly == bytes("Remove: me\n"))
    }

    @Test func `edits are laid over the header, never over the body`() throws {
        let message = "Subject: a\nX-Gone: 1\n 2\nTo: b\nx-GONE : 3\n\nX-Gone: body\n"
        let edited = try read(
            bytes(message),
            [
                .prepend(try field("First", "1")), .remove(name: bytes("X-Gone")),
                .prepend(try field("Second", "2")),
            ])
        #expect(edited == bytes("Second: 2\nFirst: 1\nSubject: a\nTo: b\n\nX-Gone: body\n"))
    }

    @Test func `a file that is shorter than its message is an error`() throws {
        let stored = try StoredMessage("Subject: x\n\nbody\n")
        var request = try stored.request(["a@y.test"])
        for length in [100, Int.max] {
            request.messageLength = length
            var reader = MessageReader(request, stored.file.borrowed)
            let error = #expect(throws: SystemError.self) { while try reader.next() != nil {} }
            #expect(error?.errno == .noData)
        }
        request.messageOffset = .max
        var reader = MessageReader(request, stored.file.borrowed)
        #expect(throws: SystemError.self) { while try reader.next() != nil {} }
    }
}

@Suite struct LineSearchTests {
    private func search(_ line: String, in pieces: [String]) -> Bool {
        var search = LineSearch(bytes(line))
        for piece in pieces { bytes(piece).withUnsafeBytes { search.take($0) } }
        search.finish()
        return search.hasFound
    }

    @Test func `a line is found wherever the pieces are cut`() {
        let text = "a\nneedle\nb\n"
        for cut in 0...text.count {
            #expect(search("needle", in: [String(text.prefix(cut)), String(text.dropFirst(cut))]))
        }
    }

    @Test(
        arguments: [
            "needles\n", "a needle\n", "needl\n", " needle\n", "needle \n", "needle\r\n",
            "Needle\n",
            "nee\ndle\n", "",
        ])
    func `another line is not it`(_ text: String) {
        #expect(!search("needle", in: [text]))
    }

    @Test func `the last line needs no end`() {
        #expect(search("needle", in: ["a\nneedle"]))
    }
}

@Suite struct MessageSurveyTests {
    private func survey(_ text: [UInt8]) throws -> MessageSurvey {
        let stored = try StoredMessage(text)
        return try MessageSurvey(
            MessageReader(try stored.request(["a@y.test"]), stored.file.borrowed))
    }

    @Test(
        arguments: [
            ("", 0), ("a", 3), ("a\n", 3), ("a\nb", 6), (".\n", 3), ("\n\n", 4),
        ])
    func `the size is that on the wire without doubled dots`(_ text: String, _ size: Int) throws {
        #expect(try survey(bytes(text)).wireLength == size)
    }

    @Test func `a CR and a byte beyond ASCII are seen wherever they are`() throws {
        let plain = try survey([UInt8](repeating: 0x61, count: 200_000))
        #expect(!plain.hasBareCR)
        #expect(!plain.hasEightBit)
        for position in [0, 65_535, 65_536, 199_999] {
            var message = [UInt8](repeating: 0x61, count: 200_000)
            message[position] = 0x0D
            #expect(try survey(message).hasBareCR)
            message[position] = 0x80
            #expect(try survey(message).hasEightBit)
        }
    }
}
