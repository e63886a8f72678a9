// Tests of what the verdicts of several steps become together, and of the settings of a step.
// filters.d(5).
// SPDX-License-Identifier: MIT

import FilterChain
import MailModel
import TestSupport
import Testing
import UnixIO

struct JudgeTests {
    private let world: World

    init() throws { world = try World() }

    private func pool(_ name: String, _ verdict: Verdict) throws -> FakePool {
        try world.describe(name, "run cat", "timeout 30s")
        return try FakePool(world.folder.file("run/filters/\(name)"), verdict)
    }

    @Test(arguments: [(31, "reject"), (71, "defer"), (99, "discard"), (1, "defer")])
    func `the first verdict that is not accept ends the chain`(code: Int, word: String) throws {
        try world.script("10-a", "exit 0")
        try world.script("20-b", "exit \(code)")
        try world.script("30-c", "touch '\(world.folder.file("ran"))'")
        let answer = try world.judge()
        #expect(answer.verdict.word == word)
        #expect(answer.trail.map(\.step) == ["10-a", "20-b"])
        #expect(world.trace("ran") == nil)
    }

    @Test func `only the steps of the stage are asked`() throws {
        try world.script("10-a", "exit 31", "stage data")
        try world.script("20-b", "exit 0")
        #expect(try world.judge().trail.map(\.step) == ["20-b"])
    }

    @Test func `edits reach later steps, and all come out in order`() throws {
        let one = try #require(HeaderField("X-One", "1"))
        let two = try #require(HeaderField("X-Two", "2"))
        let first = try pool("10-a", .accept([.prepend(one), .note(name: "a", value: [0x31])]))
        let second = try pool(
            "20-b", .accept([.prepend(two), .remove(name: Array("subject".utf8))]))
        try world.script("30-c", "cat > '\(world.folder.file("seen"))'")
        let answer = try world.judge()
        #expect(world.trace("seen") == "X-Two: 2\nX-One: 1\n\nHello, Bob.\n")
        #expect(answer.message == "X-Two: 2\nX-One: 1\n\nHello, Bob.\n")
        #expect(answer.edits?.count == 4)
        #expect(first.requests.first?.edits == [])
        #expect(
            second.requests.first?.edits == [.prepend(one), .note(name: "a", value: [0x31])])
    }

    @Test func `of several delays the longest counts, and later steps do not see it`() throws {
        let first = try pool("10-a", .accept([.delay(.seconds(3)), .hold]))
        let second = try pool("20-b", .accept([.delay(.seconds(2))]))
        #expect(try world.judge().verdict == .accept([.hold, .delay(.seconds(3))]))
        #expect(second.requests.first?.edits == [.hold])
        withExtendedLifetime(first) {}
    }

    @Test func `a refusal waits as long as what was accepted before it`() throws {
        let first = try pool("10-a", .accept([.delay(.seconds(3))]))
        let no = Reply(550, EnhancedStatus(5, 7, 1), "no", delay: .seconds(1))
        let second = try pool("20-b", .reject(no))
        #expect(try world.judge().verdict == .reject(no).delayed(by: .seconds(3)))
        withExtendedLifetime((first, second)) {}
    }

    @Test func `a note is no fact, whatever its name`() throws {
        let first = try pool(
            "10-a",
            .accept([
                .note(name: "client-ip", value: Array("203.0.113.9".utf8)),
                .note(name: "relay", value: []),
            ]))
        let second = try pool("20-b", .accept)
        try world.script(
            "30-c", "[ \"$TCPREMOTEIP\" = 192.0.2.1 ] && [ -z \"${RELAYCLIENT+x}\" ] || exit 31")
        try world.script("40-d", "exit 71", "skip relayed")
        #expect(try world.judge().status == "451 4.7.1")
        let request = try #require(second.requests.first)
        #expect(request.facts == (try World.request()).facts)
        #expect(request.edits.notes["client-ip"] == Array("203.0.113.9".utf8))
        withExtendedLifetime(first) {}
    }

    @Test func `edits of earlier stages are laid over the message, and not given back`() throws {
        let field = try #require(HeaderField("X-Early", "1"))
        try world.script("10-a", "cat > '\(world.folder.file("seen"))'")
        let answer = try world.judge {
            $0.edits = [.prepend(field), .addRecipient(try mailbox("carol@example.test"))]
        }
        #expect(world.trace("seen") == "X-Early: 1\n" + World.letter)
        #expect(answer.edits == [])
    }

    @Test func `a message inside a longer file is cut out of it`() throws {
        try world.script("10-a", "cat > '\(world.folder.file("seen"))'")
        _ = try world.judge("before" + World.letter + "after") {
            $0.messageOffset = 6
            $0.messageLength = World.letter.utf8.count
        }
        #expect(world.trace("seen") == World.letter)
    }

    @Test func `a message that is shorter than it is said to be is defer`() throws {
        try world.script("10-a", "cat > /dev/null")
        var request = try World.request()
        request.messageLength += 1
        let file = try Files.inMemory("message")
        try file.borrowed.writeAll(Array(World.letter.utf8), "message")
        let result = try world.chain().judge(request, file.borrowed, log: Log("test"))
        #expect(result.verdict.reply?.status == EnhancedStatus(4, 3, 0))
    }

    // MARK: on-error

    @Test(arguments: ["exit 1", "exit 77", "kill -SEGV $$", "printf broken >&4"])
    func `on-error accept lets pass what cannot be judged`(end: String) throws {
        try world.script("10-a", "echo 'Subject: half'; \(end)", "on-error accept")
        try world.script("20-b", "touch '\(world.folder.file("ran"))'")
        let answer = try world.judge()
        #expect(answer.verdict == .accept)
        #expect(answer.message == World.letter)
        #expect(answer.trail.first?.error != nil)
        #expect(world.trace("ran") != nil)
    }

    @Test func `on-error accept is about time too`() throws {
        try world.script("10-a", "sleep 600", "on-error accept", "timeout 300ms")
        #expect(try world.judge().verdict == .accept)
    }

    @Test(arguments: [(31, "reject"), (71, "defer"), (99, "discard"), (11, "reject")])
    func `on-error accept changes no verdict`(code: Int, word: String) throws {
        try world.script("10-a", "exit \(code)", "on-error accept")
        #expect(try world.judge().verdict.word == word)
    }

    // MARK: mode

    @Test(arguments: [
        "exit 31", "exit 71", "exit 99", "exit 1", "kill -SEGV $$", "echo 'X: y'; cat",
    ])
    func `an observed verdict is not applied`(end: String) throws {
        try world.script("10-a", end, "mode observe")
        try world.script("20-b", "touch '\(world.folder.file("ran"))'")
        let answer = try world.judge()
        #expect(answer.verdict == .accept)
        #expect(answer.message == World.letter)
        #expect(answer.trail.first?.isObserved == true)
        #expect(world.trace("ran") != nil)
    }

    @Test func `an observed step is told that nothing may be charged`() throws {
        try world.describe("10-a", "run cat", "mode observe")
        let observed = try FakePool(
            world.folder.file("run/filters/10-a"), .accept([.hold, .note(name: "a", value: [])]))
        let enforced = try pool("20-b", .accept)
        #expect(try world.judge().edits == [])
        #expect(observed.requests.map(\.isTrial) == [true])
        #expect(enforced.requests.map(\.isTrial) == [false])
        #expect(enforced.requests.first?.edits == [])
    }

    // MARK: skip

    @Test(arguments: [
        ("relayed", true, true, false), ("relayed", true, false, false),
        ("relayed", false, true, true), ("relayed", false, false, true),
        ("local", true, true, true), ("local", false, false, false),
        ("local", true, false, false), ("relayed local", false, true, true),
        ("relayed local", true, true, false), ("relayed local", false, false, false),
    ])
    func `skip is about who brought the message`(
        words: String, isRelayed: Bool, hasClient: Bool, judges: Bool
    ) throws {
        try world.script("10-a", "exit 31", "skip \(words)")
        let answer = try world.judge {
            if isRelayed { $0.facts[.relay] = [] }
            if !hasClient { $0.facts[.clientIP] = nil }
        }
        #expect(answer.verdict.word == (judges ? "reject" : "accept"))
    }

    // MARK: Size

    @Test func `10 MB pass through steps of every kind`() throws {
        let message = World.letter + String(repeating: "0123456789abcde\n", count: 655_360)
        let field = try #require(HeaderField("X-One", "1"))
        let first = try pool("10-a", .accept([.prepend(field)]))
        try world.script("20-b", "cat")
        try world.script(
            "30-c", "[ $(wc -c) -eq \(message.utf8.count + 9) ] || exit 31", convention: "queue")
        let answer = try world.judge(message)
        #expect(answer.message == "X-One: 1\n" + message)
        withExtendedLifetime(first) {}
    }

    @Test func `1000 recipients pass through steps of every kind`() throws {
        let recipients = try (1...1000).map { try mailbox("recipient-\($0)@example.test") }
        let first = try pool("10-a", .accept([.removeRecipient(recipients[0])]))
        try world.script(
            "20-b", "[ $NUMRCPTS = 999 ] || exit 31; sed 's/recipient-2@/two@/' <&3 >&4")
        try world.script(
            "30-c", "exec 3<&1; [ $(tr '\\0' '\\n' <&3 | grep -c ^T) -eq 999 ] || exit 31",
            convention: "queue"
        )
        let answer = try world.judge {
            $0.envelope = Envelope(reversePath: .null, recipients: recipients)
        }
        let edits = try #require(answer.edits)
        let result = edits.applied(to: Envelope(reversePath: .null, recipients: recipients))
        #expect(result.recipients.count == 999)
        #expect(result.recipients.contains(try mailbox("two@example.test")))
        #expect(first.requests.first?.envelope?.recipients == recipients)
    }
}
