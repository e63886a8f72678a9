// Tests of steps in qmail-qfilter's convention: changed messages and envelopes.
// qmail-qfilter(1), filters.d(5).
// SPDX-License-Identifier: MIT

import FilterChain
import MailModel
import TestSupport
import Testing
import UnixIO

struct QfilterStepTests {
    private let world: World

    init() throws { world = try World() }

    @Test func `a message on descriptor 1 is the message`() throws {
        try world.script("10-a", "echo 'X-Seen: yes'; cat")
        let answer = try world.judge()
        #expect(answer.message == "X-Seen: yes\n" + World.letter)
    }

    @Test func `nothing on descriptor 1 is no change`() throws {
        try world.script("10-a", "cat > /dev/null")
        let answer = try world.judge()
        #expect(answer.verdict == .accept)
        #expect(answer.message == World.letter)
    }

    @Test func `a message of a step that refuses is not taken`() throws {
        for (code, word) in [(31, "reject"), (71, "defer"), (99, "discard"), (1, "defer")] {
            try world.script("10-a", "echo 'X-Seen: yes'; cat; exit \(code)")
            let answer = try world.judge()
            #expect(answer.verdict.word == word)
            #expect(answer.message == nil)
        }
    }

    @Test func `each step sees what the one before made of the message`() throws {
        try world.script("10-a", "sed 's/Bob/Carol/'")
        try world.script("20-b", "sed 's/Carol/Dave/'")
        try world.script("30-c", "grep -q Dave || exit 31")
        #expect(try world.judge().message == "Subject: hello\n\nHello, Dave.\n")
    }

    @Test func `an envelope on descriptor 4 is the envelope`() throws {
        try world.script("10-a", #"printf 'Fcarol@example.org\0Tdave@example.test\0\0' >&4"#)
        let answer = try world.judge()
        let edits = try #require(answer.edits)
        let envelope = try #require(World.request().envelope)
        #expect(
            edits.applied(to: envelope)
                == Envelope(
                    reversePath: try ReversePath(Array("carol@example.org".utf8)),
                    recipients: [try mailbox("dave@example.test")]))
        #expect(answer.message == World.letter)
    }

    @Test(arguments: [
        "Fa@example.org\0Tb@example.test\0", "Fa@example.org\0Tb@exa", "hello\n",
        "Fa@example.org\0Tb@example.test\0\0more", "Xa\0\0", "Fa@example.org\0T\0\0",
    ])
    func `an envelope that is none is defer`(text: String) throws {
        let path = try world.folder.write("envelope", text)
        try world.script("10-a", "cat '\(path)' >&4; echo 'X-Seen: yes'")
        let answer = try world.judge()
        #expect(answer.status == ProcessStepTests.broken)
    }

    @Test func `steps change recipients one after the other`() throws {
        try world.script(
            "10-a", #"printf 'Falice@example.org\0Tbob@example.test\0Tcarol@example.test\0\0' >&4"#)
        try world.script(
            "20-b", "cat <&3 > '\(world.folder.file("e"))'; [ $NUMRCPTS = 2 ] || exit 31")
        let answer = try world.judge()
        #expect(answer.verdict.word == "accept")
        #expect(
            world.trace("e")
                == "Falice@example.org\0Tbob@example.test\0Tcarol@example.test\0\0")
    }

    @Test(arguments: [
        ["b@x.test", "c@x.test"], ["c@x.test", "b@x.test", "b@x.test"], [], ["a@x.test"],
        ["b@x.test", "a@x.test", "b@x.test"], ["A@x.test", "b@x.test"],
    ])
    func `whatever it makes of the recipients is what comes out`(recipients: [String]) throws {
        let old = Envelope(
            reversePath: .null, recipients: try ["a@x.test", "b@x.test", "b@x.test"].map(mailbox))
        let new = Envelope(reversePath: .null, recipients: try recipients.map(mailbox))
        let path = try world.folder.write("envelope", new.queueFormat)
        try world.script("10-a", "cat '\(path)' >&4")
        let answer = try world.judge { $0.envelope = old }
        #expect(try #require(answer.edits).applied(to: old) == new)
    }

    @Test func `it gets the variables of qmail-qfilter`() throws {
        try world.script(
            "10-a",
            """
            {
                echo "$QMAILUSER|$QMAILHOST|$NUMRCPTS|$MSGSIZE|$ENVSIZE|${QMAILPPID:-none}"
                printf %s "$QMAILRCPTS"
            } > '\(world.folder.file("variables"))'
            """)
        _ = try world.judge {
            $0.envelope?.reversePath = try ReversePath(Array("a@b@example.org".utf8))
            $0.envelope?.append(try mailbox("carol@example.test"))
        }
        #expect(
            world.trace("variables") == """
                a@b|example.org|2|28|56|none
                bob@example.test
                carol@example.test

                """)
    }

    @Test func `a null reverse-path has no user and no host`() throws {
        try world.script("10-a", "[ -z \"$QMAILUSER$QMAILHOST\" ] || exit 31")
        #expect(try world.judge { $0.envelope?.reversePath = .null }.verdict == .accept)
    }

    @Test func `a step that asks for another queue is defer`() throws {
        try world.script("10-a", #"printf '/bin/true\0' >&5"#)
        #expect(try world.judge().status == ProcessStepTests.broken)
    }

    @Test func `an existing filter dropped into the folder is a step`() throws {
        try world.executable(
            "etc/filters.d/50-footer", "#!/bin/sh\ncat\necho 'Scanned by example.test'\n")
        #expect(try world.judge().message == World.letter + "Scanned by example.test\n")
    }

    @Test func `bytes of any kind pass`() throws {
        let bytes =
            "Subject: x\r\n\u{1}\u{7F}\0é\n.\n..\n" + String(repeating: "long ", count: 5000)
        try world.script("10-a", "cat")
        #expect(try world.judge(bytes) { _ in }.message == bytes)
    }

    @Test func `a message before there is one is defer`() throws {
        try world.script("10-a", "echo 'Subject: x'", "stage rcpt")
        let answer = try world.judge {
            $0.stage = .rcpt
            $0.messageLength = 0
        }
        #expect(answer.status == ProcessStepTests.broken)
    }

    @Test(arguments: [Stage.mail, .rcpt, .data])
    func `before the message, descriptor 0 is empty`(stage: Stage) throws {
        try world.script(
            "10-a", "[ \"$(wc -c)\" -eq 0 ] && [ \"$MSGSIZE\" = 0 ] || exit 31",
            "stage \(stage.rawValue)")
        let answer = try world.judge {
            $0.stage = stage
            $0.messageLength = 0
        }
        #expect(answer.verdict == .accept)
    }
}
