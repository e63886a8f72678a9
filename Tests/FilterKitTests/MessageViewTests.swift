// Tests of MessageView: the message with pending edits laid over it, from memory and from a file.
// SPDX-License-Identifier: MIT

import Glibc
import MailModel
import TestSupport
import Testing
import UnixIO

@testable import FilterKit

struct MessageViewTests {
    private func field(_ line: String) throws -> Edit {
        .prepend(try #require(HeaderField(line: Array(line.utf8))))
    }

    private func text(_ view: MessageView) throws -> String {
        var bytes: [UInt8] = []
        try view.forEachChunk { chunk throws(FilterError) in bytes += chunk }
        return String(decoding: bytes, as: UTF8.self)
    }

    @Test func `without edits every byte passes`() throws {
        let bytes: [UInt8] = [0, 0x0D, 0xFF, 0x0A, 0x0A, 0]
        let view = MessageView(.memory(bytes))
        #expect(try view.bytes(limit: 6) == bytes)
        #expect(try view.bytes(limit: 5) == nil)
    }

    @Test func `fields put on top come in the order of their edits, the last one first`() throws {
        let edits = [try field("A: 1"), try field("B: 2")]
        let view = MessageView(.memory(Array("C: 3\n\nbody".utf8)), edits.overlay)
        #expect(try text(view) == "B: 2\nA: 1\nC: 3\n\nbody")
        #expect(
            try view.header().fields.map(\.unfolded)
                == ["B: 2", "A: 1", "C: 3"].map { Array($0.utf8) })
    }

    @Test(arguments: [
        // Folds go with their field.
        ("X-A: 1\n 2\n\t3\nB: 4\n\nX-A: body", "B: 4\n\nX-A: body"),
        // Case and blanks before the colon hide nothing.
        ("x-a : 1\nB: 2\nX-a:3\n\n", "B: 2\n\n"),
        // Names that only begin alike stay.
        ("X-AB: 1\nX-: 2\nX: 3\nX-A\n\n", "X-AB: 1\nX-: 2\nX: 3\nX-A\n\n"),
        // A message without a body.
        ("X-A: 1\nB: 2", "B: 2"), ("X-A: 1", ""), ("X-A", "X-A"),
        // CR LF ends lines and the header.
        ("X-A: 1\r\n 2\r\nB: 3\r\n\r\nX-A: 4\r\n", "B: 3\r\n\r\nX-A: 4\r\n"),
        // No header at all.
        ("\nX-A: 1\n", "\nX-A: 1\n"), ("", ""),
        // A fold before any field belongs to none.
        (" X-A: 1\nX-A: 2\n\n", " X-A: 1\n\n"),
    ])
    func `removed fields are gone from the header alone`(message: String, expected: String) throws {
        let edits: [Edit] = [.remove(name: Array("x-A".utf8))]
        let view = MessageView(.memory(Array(message.utf8)), edits.overlay)
        #expect(try text(view) == expected)
    }

    @Test func `the pieces that a message comes in change nothing`() throws {
        let message = Array("X-A: 1\n 2\nB : 3\n\nbody\nX-A: 4".utf8)
        for cut in 0...message.count {
            var filter = HeaderFieldFilter(removing: [Array("x-a".utf8), Array("b".utf8)])
            var output: [UInt8] = []
            for piece in [message[..<cut], message[cut...]] {
                let piece = Array(piece)
                let taken =
                    filter.isDone ? 0 : piece.withUnsafeBytes { filter.take($0, into: &output) }
                output += piece[taken...]
            }
            filter.finish(into: &output)
            #expect(output == Array("\nbody\nX-A: 4".utf8), "cut at \(cut)")
        }
    }

    @Test func `half a megabyte of blanks before a colon takes no time`() {
        let blanks = [UInt8](repeating: 0x20, count: 500_000)
        let message = Array("X-A".utf8) + blanks + Array(": 1\n\n".utf8)
        var filter = HeaderFieldFilter(removing: [Array("x-a".utf8)])
        var output: [UInt8] = []
        let began = ContinuousClock.now
        _ = message.withUnsafeBytes { filter.take($0, into: &output) }
        #expect(ContinuousClock.now - began < .seconds(60))
        #expect(filter.isDone)
    }

    @Test func `a file is read where the request says, and its offset means nothing`() throws {
        let file = try Files.inMemory("message")
        try file.borrowed.writeAll(Array("beforeA: 1\n\nbodyafter".utf8), "message")
        let view = MessageView(.file(file.borrowed, offset: 6, length: 10))
        #expect(try text(view) == "A: 1\n\nbody")
        #expect(try view.header().bytes == Array("A: 1\n".utf8))
    }

    @Test func `a file that is shorter than it was said to be is an error, never a short message`()
        throws
    {
        let file = try Files.inMemory("message")
        try file.borrowed.writeAll(Array("A: 1\n\nbody".utf8), "message")
        for (offset, length) in [(0, 11), (5, 10), (100, 1), (Int.max, 1), (1, Int.max)] {
            let view = MessageView(.file(file.borrowed, offset: offset, length: length))
            #expect(throws: FilterError.self) {
                try view.forEachChunk { _ throws(FilterError) in }
            }
        }
    }

    @Test func `a header over the limit says that it is not whole`() throws {
        let view = MessageView(.memory(Array("A: 1\nB: 2\n\nbody".utf8)))
        #expect(try view.header(limit: 11).isWhole)
        #expect(try !view.header(limit: 10).isWhole)
        #expect(try MessageView(.memory(Array("A: 1".utf8))).header(limit: 4).isWhole)
    }

    @Test func `a copy has the edits made and stands at its beginning`() throws {
        let edits = [try field("A: 1")]
        let view = MessageView(.memory(Array("B: 2\n\n".utf8)), edits.overlay)
        let copy = try view.copy()
        let bytes = try copy.borrowed.readToEnd("copy")
        #expect(bytes == Array("A: 1\nB: 2\n\n".utf8))
    }
}
