// RedisReplyTests: tests that no reply of a server is more than an error.
// SPDX-License-Identifier: MIT

import Counters
import Foundation
import MailModel
import TestSupport
import Testing
import UnixIO

/// Something that takes one connection, lets a script be loaded, and then says what it is told to.
private final class Stranger: @unchecked Sendable {
    let folder: TestFolder
    private let listener: OwnedDescriptor

    init(_ reply: String) throws {
        folder = try TestFolder()
        listener = try UnixSocket.listen(at: folder.file("s"))
        Thread.detachNewThread { [self] in try? serve(reply) }
    }

    private func serve(_ reply: String) throws {
        let connection = try UnixSocket.accept(listener.borrowed, "stranger")
        for answer in ["$4\r\nhash\r\n", reply] {
            var received = Received()
            // A command comes whole or in pieces; its last word ends with a line end.
            while !received.bytes.suffix(2).elementsEqual([0x0D, 0x0A]) {
                let count = try connection.receive(
                    into: &received, limit: 65_536, deadline: .after(.seconds(30)))
                guard count > 0 else { return }
            }
            try connection.send(Array(answer.utf8))
        }
    }
}

@Suite struct RedisReplyTests {
    @Test(arguments: [
        "*3\r\n:1\r\n:1\r\n:99\r\n",  // an index of no charge
        "*3\r\n:1\r\n:1\r\n:-1\r\n",
        "*2\r\n:1\r\n:9223372036854775807\r\n",  // more indices than there are numbers
        "*2\r\n:1\r\n:-1\r\n",
        "*3\r\n:1\r\n:0\r\n:0\r\n",  // half a wait
        "*4\r\n:1\r\n:0\r\n:0\r\n:-5\r\n",
        "*1\r\n:1\r\n", "*0\r\n", "*-1\r\n", "$-1\r\n", "+OK\r\n", ":5\r\n",
        "-ERR something\r\n", "-OOM command not allowed\r\n",
        "*2\r\n:1\r\n$1\r\n0\r\n",
        "220 mail.example ESMTP\r\n",
        "*2147483647\r\n", "*1000000\r\n*1048577\r\n:1\r\n",  // lists that no reply of ours has
        "*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n:1\r\n",  // too deep
    ])
    func `a reply that is none is not known`(reply: String) throws {
        let stranger = try Stranger(reply)
        let address = try #require(RedisAddress("redis+unix://\(stranger.folder.file("s"))"))
        let store = RedisStore(address, timeout: .seconds(20), log: Log("test"))
        let charge = Charge([1], try #require(Rate(1, perSeconds: 60)))
        #expect(throws: CounterError.self) { _ = try store.charge([charge]) }
    }

    @Test func `a reply that is one is believed`() throws {
        let stranger = try Stranger("*5\r\n:1\r\n:1\r\n:0\r\n:1\r\n:1500\r\n")
        let address = try #require(RedisAddress("redis+unix://\(stranger.folder.file("s"))"))
        let store = RedisStore(address, timeout: .seconds(20), log: Log("test"))
        let rate = try #require(Rate(1, perSeconds: 60))
        let outcome = try store.charge(
            [Charge([1], rate), Charge([2], .pace(Pacing(step: 1, most: 1)))])
        #expect(outcome.over == [0] && outcome.waits == [1: 2])
    }
}
