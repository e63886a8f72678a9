// Tests of steps that are started for one message: what they say, and all the ways to fail.
// filter-protocol(7), section ONE MESSAGE, ONE PROCESS; filters.d(5).
// SPDX-License-Identifier: MIT

import FilterChain
import MailModel
import TestSupport
import Testing
import UnixIO

struct ProcessStepTests {
    private let world: World

    init() throws { world = try World() }

    static let busy = "451 4.3.2"
    static let broken = "451 4.3.0"

    /// A step of the chain convention that writes these bytes as its record, then does more.
    private func recordStep(_ record: [UInt8], _ then: String) throws {
        let path = try world.folder.write("record", record)
        try world.script(
            "10-a", "cat '\(path)' >&\"$FILTER_VERDICT_FD\"\n\(then)", convention: "chain")
    }

    private func recordStep(_ verdict: Verdict, _ then: String) throws {
        try recordStep(FilterReply(verdict).frame, then)
    }

    static let no = Verdict.reject(Reply(554, EnhancedStatus(5, 7, 1), "no"))
    static let later = Verdict.defer(Reply(450, EnhancedStatus(4, 7, 1), "later"))

    // MARK: The chain convention

    @Test(arguments: [
        (Verdict.accept, "exit 0"), (no, "exit 31"), (later, "exit 71"), (.discard, "exit 99"),
        (.accept([.note(name: "a", value: [0x62])]), "exit 0"), (later, "exit 54"),
        (.reject(EnhancedStatus(5, 7, 1), "no"), "exit 82"),
    ])
    func `record and exit code that agree are the verdict`(verdict: Verdict, exit: String) throws {
        try recordStep(verdict, exit)
        let answer = try world.judge()
        #expect(answer.verdict == verdict)
        #expect(answer.trail.map(\.error) == [nil])
    }

    @Test(arguments: [
        (Verdict.accept, "exit 31"), (.accept, "exit 99"), (.accept, "exit 71"),
        (.accept, "exit 1"), (.accept, "exit 77"), (.accept, "exit 255"),
        (.accept, "kill -SEGV $$"), (.accept, "kill -KILL $$"), (.accept, "kill -TERM $$"),
        (no, "exit 0"), (no, "exit 71"), (no, "exit 1"), (no, "exit 32"), (no, "exit 100"),
        (later, "exit 0"), (later, "exit 31"), (later, "exit 99"), (later, "exit 11"),
        (.discard, "exit 0"), (.discard, "exit 31"), (.discard, "kill -SEGV $$"),
    ])
    func `record and exit code that disagree are defer`(verdict: Verdict, exit: String) throws {
        try recordStep(verdict, exit)
        let answer = try world.judge()
        #expect(answer.status == Self.broken)
        #expect(answer.trail.first?.error != nil)
    }

    @Test func `a record cut anywhere is defer`() throws {
        let field = try #require(HeaderField("X-Test", "1"))
        let frame = FilterReply(.accept([.prepend(field)])).frame
        for length in [0, 1, 3, frame.count / 2, frame.count - 1] {
            try recordStep(Array(frame.prefix(length)), "exit 0")
            #expect(try world.judge().status == Self.broken, "\(length) bytes")
        }
    }

    @Test(arguments: [
        "accept\n", "0:,", "5:hello,", "999999999:", "99999999999999999999:x,",
        "28:7:verdict,6:accept,3:foo,0:,,",
        "40:9:chainmail,1:2,7:verdict,6:accept,0:,0:,,",
    ])
    func `a record that is none is defer`(text: String) throws {
        try recordStep(Array(text.utf8), "exit 0")
        #expect(try world.judge().status == Self.broken)
    }

    @Test func `a record with something behind it is defer`() throws {
        try recordStep(FilterReply(.accept).frame + [0x0A], "exit 0")
        #expect(try world.judge().status == Self.broken)
    }

    @Test func `a record with an edit that nobody knows is defer, and none of them is made`() throws
    {
        var fields = FilterReply(.accept([.note(name: "a", value: [])])).fields
        fields.append("edit.encrypt", "")
        try recordStep(fields.frame, "exit 0")
        let answer = try world.judge()
        #expect(answer.status == Self.broken)
        #expect(answer.edits == nil)
    }

    @Test func `exit 0 without a record is defer`() throws {
        try world.script("10-a", "exit 0", convention: "chain")
        #expect(try world.judge().status == Self.broken)
    }

    @Test func `a message in place of the old one needs a descriptor that no process has`() throws {
        try recordStep(.accept([.replaceMessage(offset: 0, length: 3)]), "exit 0")
        #expect(try world.judge().status == Self.broken)
    }

    @Test func `it gets stage, facts, message and envelope`() throws {
        try world.folder.write("record", FilterReply(.accept).frame)
        try world.script(
            "10-a",
            """
            cd '\(world.folder.path)'
            cat > got-message; cat <&3 > got-envelope
            echo "$FILTER_STAGE $TCPREMOTEIP $SMTPHELOHOST ${TCPREMOTEHOST-none} ${RELAYCLIENT-no}" > got
            cat record >&$FILTER_VERDICT_FD
            """, convention: "chain")
        #expect(try world.judge().verdict == .accept)
        #expect(world.trace("got") == "message 192.0.2.1 client.test none no\n")
        #expect(world.trace("got-message") == World.letter)
        #expect(world.trace("got-envelope") == "Falice@example.org\0Tbob@example.test\0\0")
    }

    @Test func `what it prints goes nowhere`() throws {
        try recordStep(.accept, "echo 'Subject: another'")
        #expect(try world.judge().message == World.letter)
    }

    @Test func `no descriptor but its own reaches it`() throws {
        try recordStep(.accept, "ls /proc/$$/fd > '\(world.folder.file("descriptors"))'")
        _ = try world.judge()
        let numbers = try #require(world.trace("descriptors")).split(separator: "\n").compactMap {
            Int($0)
        }
        // A shell keeps its script at 10 or over.
        #expect(numbers.filter { $0 < 10 }.allSatisfy { $0 <= 5 })
    }

    // MARK: Exit codes alone

    @Test(arguments: ["qfilter", "queue"])
    func `an exit code is a verdict`(convention: String) throws {
        let verdicts: [(Int, String?)] = [
            (0, nil), (11, "550 5.1.3"), (31, "550 5.7.1"), (71, "451 4.7.1"),
        ]
        for (code, status) in verdicts {
            try world.script("10-a", "exit \(code)", convention: convention)
            let answer = try world.judge()
            #expect(answer.status == status)
            #expect(answer.trail.first?.error == nil)
        }
    }

    @Test(arguments: ["qfilter", "queue"])
    func `any other exit code and any signal are defer`(convention: String) throws {
        for end in [1, 2, 10, 12, 32, 34, 40, 51, 54, 55, 77, 81, 82, 88, 91, 100, 111, 126, 255]
            .map({
                "exit \($0)"
            }) + ["kill -SEGV $$", "kill -KILL $$", "no-such-program-xyz"]
        {
            try world.script("10-a", end, convention: convention)
            #expect(try world.judge().status == Self.broken, "\(end)")
        }
    }

    @Test func `99 is discard for qmail-qfilter and unknown to qmail-queue`() throws {
        try world.script("10-a", "exit 99", convention: "qfilter")
        #expect(try world.judge().verdict == .discard)
        try world.script("10-a", "exit 99", convention: "queue")
        #expect(try world.judge().status == Self.broken)
    }

    @Test func `a step of the queue convention gets message and envelope`() throws {
        try world.script(
            "10-a",
            "cat > '\(world.folder.file("m"))'; cat <&1 > '\(world.folder.file("e"))'",
            convention: "queue")
        #expect(try world.judge().verdict == .accept)
        #expect(world.trace("m") == World.letter)
        #expect(world.trace("e") == "Falice@example.org\0Tbob@example.test\0\0")
    }

    @Test func `a program that cannot be started is defer`() throws {
        try world.executable("etc/filters.d/10-a", "#!/no/such/interpreter\n")
        #expect(try world.judge().status == Self.broken)
        try world.executable("etc/filters.d/10-a", "\u{7F}ELF is not enough")
        #expect(try world.judge().status == Self.broken)
    }

    // MARK: Time

    @Test(arguments: ["qfilter", "queue", "chain"])
    func `what hangs is killed with all that it started`(convention: String) throws {
        try world.script(
            "10-a",
            """
            cd '\(world.folder.path)'
            sleep 600 & echo $! > sleeper
            (trap '' TERM INT HUP; sleep 601 & echo $! > stubborn; wait) &
            echo $$ > self
            wait
            """, convention: convention, "timeout 3s")
        let answer = try world.judge()
        #expect(answer.status == Self.busy)
        for name in ["self", "sleeper", "stubborn"] {
            #expect(try eventually { try world.hasEnded(name) }, "\(name)")
        }
    }

    @Test func `what a step leaves running ends with it`() throws {
        try world.script(
            "10-a", "sleep 600 & echo $! > '\(world.folder.file("left"))'; exit 0")
        #expect(try world.judge().verdict == .accept)
        #expect(try eventually { try world.hasEnded("left") })
    }

    @Test func `a record does not make up for hanging`() throws {
        let path = try world.folder.write("record", FilterReply(.accept).frame)
        try world.script(
            "10-a", "cat '\(path)' >&5; sleep 600", convention: "chain", "timeout 2s")
        #expect(try world.judge().status == Self.busy)
    }

    @Test func `the whole chain has a deadline`() throws {
        for name in ["10-a", "20-b", "30-c"] {
            try world.script(name, "echo >> '\(world.folder.file("runs"))'; sleep 600")
        }
        let answer = try world.judge(World.letter, deadline: .after(.seconds(2)))
        #expect(answer.status == Self.busy)
        #expect(answer.trail.map(\.step) == ["10-a"])
    }

    @Test func `a chain whose time is over asks nobody`() throws {
        try world.script("10-a", "touch '\(world.folder.file("ran"))'")
        let answer = try world.judge(World.letter, deadline: .after(.zero))
        #expect(answer.status == Self.busy)
        #expect(world.trace("ran") == nil)
    }

    // MARK: The environment

    @Test func `a script may call a filter, which does not take it for its own convention`() throws
    {
        let rules = try world.folder.write("rules", "header:Subject /evil/ reject 550 5.7.1 evil\n")
        let filter = try Tool.path("regex-filter")
        for (convention, output) in [("qfilter", ""), ("queue", ">/dev/null")] {
            try world.script(
                "10-a", "'\(filter)' --rules '\(rules)' --check \(output)", convention: convention)
            #expect(try world.judge().verdict == .accept, "\(convention)")
            let answer = try world.judge("Subject: evil\n\n")
            #expect(answer.status == "550 5.7.1", "\(convention)")
        }
    }

    @Test func `what a filter in a script makes of the message is the message`() throws {
        let rules = try world.folder.write("rules", "header:Subject /hello/ tag X-Rule: 1\n")
        let filter = try Tool.path("regex-filter")
        try world.executable(
            "etc/filters.d/10-a",
            "#!/bin/sh\n'\(filter)' --rules '\(rules)' || exit\necho 'Seen by example.test'\n")
        let message = try #require(try world.judge().message)
        #expect(message.hasPrefix("X-Rule: 1\n"), "\(message)")
        #expect(message.hasSuffix(World.letter + "Seen by example.test\n"))
    }

    @Test func `marks and facts of whoever called us are not passed on`() throws {
        try world.script("10-a", "env > '\(world.folder.file("environment"))'", convention: "queue")
        var tool = try Tool("filter-chain", ["--check", "--root", world.folder.path])
        tool.message = Array(World.letter.utf8)
        tool.environment = [
            "FILTER_STAGE": "data", "FILTER_VERDICT_FD": "9", "QMAILPPID": "1", "NUMRCPTS": "1",
            "TCPREMOTEHOST": "", "TCPREMOTEIP": "192.0.2.7", "OTHER": "kept",
        ]
        #expect(try tool.run().code == 0)
        let lines = try #require(world.trace("environment")).split(separator: "\n")
        #expect(lines.contains("TCPREMOTEIP=192.0.2.7"))
        #expect(lines.contains("OTHER=kept"))
        for name in ["FILTER_STAGE", "FILTER_VERDICT_FD", "QMAILPPID", "NUMRCPTS", "TCPREMOTEHOST"]
        {
            #expect(!lines.contains { $0.hasPrefix("\(name)=") }, "\(name)")
        }
    }

    @Test func `it works on the same root`() throws {
        try world.script("10-a", "echo \"$CHAINMAIL_ROOT\" > '\(world.folder.file("root"))'")
        _ = try world.judge()
        #expect(world.trace("root") == "\(world.folder.path)\n")
    }
}
