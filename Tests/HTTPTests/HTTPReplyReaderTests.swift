// SPDX-License-Identifier: MIT

import HTTP
import Testing

@Suite struct HTTPReplyReaderTests {
    /// Reads in pieces of so many bytes, then the end.
    private func read(_ text: String, pieces: Int, limit: Int = 1000) throws -> HTTPReply {
        let reader = HTTPReplyReader(limit: limit)
        let bytes = Array(text.utf8)
        for start in stride(from: 0, to: bytes.count, by: pieces) {
            let piece = Array(bytes[start..<min(start + pieces, bytes.count)])
            if let reply = try reader.take(piece) { return reply }
        }
        return try reader.end()
    }

    private static let replies: [(text: String, body: String, reason: String)] = [
        ("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", "hi", "a length"),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nh\r\n1;x=y\r\ni\r\n0\r\n\r\n",
            "hi", "pieces"
        ),
        ("HTTP/1.0 200 OK\r\n\r\nhi", "hi", "up to the end"),
        ("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "", "no body"),
    ]

    @Test(arguments: replies, [1, 3, 1000])
    func `a reply is read whatever pieces it comes in`(
        _ reply: (text: String, body: String, reason: String), _ pieces: Int
    ) throws {
        let read = try read(reply.text, pieces: pieces)
        #expect(read.status == 200)
        #expect(read.body == Array(reply.body.utf8), "\(reply.reason)")
    }

    @Test(
        arguments: [
            ("hello\r\n\r\n", "no HTTP"), ("HTTP/1.1 OK\r\n\r\n", "no status"),
            ("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi!", "more than its length"),
            ("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nhi!", "two lengths"),
            ("HTTP/1.1 200 OK\r\nContent-Length: 2x\r\n\r\nhi", "no length"),
            ("HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\nhi", "no number"),
            ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "no size"),
            (
                "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\nHTTP/1.1 200 OK\r\n\r\n", "two replies"
            ),
        ])
    func `what is no reply is an error`(_ text: String, _ reason: String) {
        for pieces in [1, 1000] {
            let error = #expect(throws: HTTPReplyError.self, "\(reason)") {
                let reply = try read(text, pieces: pieces)
                // By single bytes the reply is whole before what is too much comes.
                if pieces == 1, reply.status == 200 { throw HTTPReplyError.tooLong }
            }
            #expect(error != .cutShort)
        }
    }

    @Test func `a reply that is cut short is an error`() {
        let whole = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
        for count in 0..<whole.utf8.count {
            #expect(throws: HTTPReplyError.cutShort) {
                try read(String(decoding: whole.utf8.prefix(count), as: UTF8.self), pieces: 7)
            }
        }
    }

    @Test func `a body over the limit is an error`() throws {
        let text = "HTTP/1.0 200 OK\r\n\r\n" + String(repeating: "x", count: 100)
        #expect(try read(text, pieces: 9, limit: 100).body.count == 100)
        #expect(throws: HTTPReplyError.tooLong) { try read(text, pieces: 9, limit: 99) }
    }
}
