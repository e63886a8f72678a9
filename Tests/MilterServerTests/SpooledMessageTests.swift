// SpooledMessage: the message as filters read it.
// SPDX-License-Identifier: MIT

import MailModel
import TestSupport
import Testing
import UnixIO

@testable import MilterServer

@Suite struct SpooledMessageTests {
    /// What is stored of fields and of a body that comes in pieces of this size.
    private func stored(
        _ fields: [(String, String)], _ body: [UInt8], pieces: Int, memory: Int = 256 << 10
    ) throws -> [UInt8] {
        var limits = MilterLimits()
        limits.memory = memory
        var message = SpooledMessage(Array("mx.y.test".utf8), limits)
        for (name, value) in fields {
            message.takeField(Array(name.utf8), Array(value.utf8), hasLeadingSpace: true)
        }
        message.endHeader()
        var rest = body[...]
        while !rest.isEmpty {
            Array(rest.prefix(pieces)).withUnsafeBufferPointer { message.take($0) }
            rest = rest.dropFirst(pieces)
        }
        let file = try message.finish()
        let bytes = try file.borrowed.bytes(at: 0, count: message.length + 1, "message")
        let length = message.length
        #expect(bytes.count == length)
        return bytes
    }

    @Test(arguments: [1, 2, 3, 7, 65_536])
    func `line ends are LF, and other CRs stay, however the body comes`(_ pieces: Int) throws {
        let body = Array("a\r\nb\rc\r\r\n\r\n\n\rd\r".utf8)
        let got = try stored([("A", " 1"), ("B", "2\n\tx")], body, pieces: pieces)
        #expect(String(decoding: got, as: UTF8.self) == "A: 1\nB:2\n\tx\n\na\nb\rc\r\n\n\n\rd\r")
    }

    @Test func `what is big is in a file, and the same`() throws {
        var random = SeededRandom(9)
        let body = random.bytes(300_000).filter { $0 != 0x0D }
        let got = try stored([("A", " 1")], body, pieces: 5000, memory: 1000)
        #expect(got == Array("A: 1\n\n".utf8) + body)
    }

    @Test func `nothing in a value becomes a field of its own`() throws {
        let got = try stored([("A", " 1\nB: 2\n\nC: 3\n")], [], pieces: 1)
        #expect(String(decoding: got, as: UTF8.self) == "A: 1\n\tB: 2\n\tC: 3\n\n")
    }

    @Test func `of what is too big nothing is kept`() throws {
        var limits = MilterLimits()
        limits.messageSize = 100
        var message = SpooledMessage([], limits)
        message.takeField(Array("A".utf8), Array(" 1".utf8), hasLeadingSpace: true)
        message.endHeader()
        for _ in 0..<20 {
            Array("0123456789".utf8).withUnsafeBufferPointer { message.take($0) }
        }
        let (isTooBig, length) = (message.isTooBig, message.length)
        #expect(isTooBig)
        #expect(length == 0)
    }
}
