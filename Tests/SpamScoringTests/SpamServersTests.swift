// Servers that are not there, break off, lie and hang.
// SPDX-License-Identifier: MIT

import Control
import MailModel
import SpamScoring
import TestSupport
import Testing
import UnixIO

@Suite struct SpamServersTests {
    /// Asks servers about a message.
    private func ask(
        _ places: [ServerPlace], limit: Duration = .seconds(20), size: Int = 1000
    ) throws -> (SpamOpinion, by: ServerPlace) {
        let file = try Files.inMemory("message")
        try file.borrowed.writeAll([UInt8](repeating: 0x78, count: size), "message")
        let sample = Sample(prefix: [], file: file.borrowed, fileLength: size)
        defer { withExtendedLifetime(file) {} }
        return try SpamServers(places, limit: limit, resolver: nil).opinion(
            on: sample
        ) { _ in SpamdQuestion(user: nil) }
    }

    private static let silent = ServerPlace(Array("127.0.0.1:1".utf8))

    @Test(
        arguments: [
            FakeSpamServer.Manner.close, .hasty("SPAMD/1.1 0 EX_OK\r\n"), .reply(""),
            .reply("SPAMD/1.1 76 No\r\n"), .reply("nonsense\r\n\r\n"),
            .keeps("SPAMD/1.1 0 EX_OK\r\nContent-length: 1\r\nSpam: False ; 0 / 5\r\n\r\nAB"),
        ])
    func `the next one is asked when one has no opinion`(_ manner: FakeSpamServer.Manner) throws {
        let first = try FakeSpamServer(manner)
        let second = try FakeSpamServer(.reply(Answer.spamd("7.0")))
        let missing = try #require(Self.silent)
        let (opinion, place) = try ask([missing, first.place(), second.place()])
        #expect(opinion.score == 7)
        #expect(place == (try second.place()))
        #expect(throws: SpamServersError.self) { try ask([missing, first.place()]) }
    }

    @Test(arguments: [FakeSpamServer.Manner.hang, .drip, .keeps("SPAMD/1.1 0 EX_OK\r\n")])
    func `one that does not answer costs its share of the time alone`(
        _ manner: FakeSpamServer.Manner
    ) throws {
        let first = try FakeSpamServer(manner)
        let second = try FakeSpamServer(.reply(Answer.spamd("7.0")))
        let (_, place) = try ask([first.place(), second.place()], limit: .seconds(2))
        #expect(place == (try second.place()))
        let error = #expect(throws: SpamServersError.self) {
            try ask([first.place()], limit: .milliseconds(300))
        }
        #expect(error?.isTimeout == true)
    }

    @Test func `an answer to a message that was not read is none`() throws {
        let hasty = try FakeSpamServer(.hasty(Answer.spamd("0.0")))
        #expect(throws: SpamServersError.self) { try ask([hasty.place()], size: 64 << 20) }
    }

    @Test func `an answer that is whole is not waited for any longer`() throws {
        let server = try FakeSpamServer(.keeps(Answer.spamd("7.0", tests: "A")))
        #expect(try ask([server.place()]).0.symbols == ["A"])
    }

    @Test func `a socket of Unix is as good`() throws {
        let folder = try TestFolder()
        let server = try FakeSpamServer(
            .reply(Answer.spamd("7.0")), path: folder.file("socket"))
        #expect(try ask([server.place()]).0.isSpam)
    }
}
