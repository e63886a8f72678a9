import MailModel
import TestSupport
import Testing
import UnixIO

@testable import MailQueue

@Suite struct QueueRunnerTests {
    private let stage: QueueStage

    init() throws { stage = try QueueStage() }

    @Test func `one recipient at the first attempt leaves nothing, and never had a state file`()
        throws
    {
        try stage.accept(["bob@local.test"])
        var calls: [String] = []
        try stage.run { name in calls.append("\(name)") }
        #expect(stage.agents.delivered.map(\.recipient) == ["bob@local.test"])
        #expect(stage.agents.delivered.first?.message == Samples.text)
        #expect(stage.files.isEmpty)
        #expect(calls == ["unlink message", "fsync folder"])
    }

    @Test func `prepended fields are laid over the message`() throws {
        let field = try #require(HeaderField("X-A", "b"))
        try stage.accept(["bob@local.test"], edits: [.prepend(field)])
        try stage.run()
        #expect(stage.agents.delivered.first?.message == Array("X-A: b\n".utf8) + Samples.text)
    }

    @Test func `recipients go to the agent of their domain`() throws {
        try stage.accept(["bob@local.test", "carol@Remote.test", "dave"])
        try stage.run()
        #expect(
            Set(stage.agents.delivered.map(\.recipient)) == [
                "bob@local.test", "carol@Remote.test", "dave@mail.test",
            ])
        #expect(stage.files.isEmpty)
    }

    @Test func `what is deferred waits in its bucket and is tried again`() throws {
        let id = try stage.accept(["later@remote.test", "bob@local.test"])
        try stage.run()
        let due = Samples.seconds + 400
        let bucket = Bucket(due: due)
        #expect(stage.files == ["deferred/\(bucket)/\(id)", "state/\(id.folder)/\(id)"])
        stage.agents.acceptLater()
        try stage.run()
        #expect(stage.agents.delivered(to: "later@remote.test").isEmpty, "it is not due yet")
        stage.now = UInt64(bucket.moment) * 1_000_000
        try stage.run()
        #expect(stage.agents.delivered(to: "later@remote.test").count == 1)
        #expect(stage.agents.delivered(to: "bob@local.test").count == 1)
        #expect(stage.files.isEmpty)
    }

    @Test func `what failed is reported once, to the reverse-path`() throws {
        try stage.accept(["fail@local.test", "fail2@local.test", "bob@local.test"])
        try stage.run()
        let reports = stage.agents.delivered(to: "alice@local.test")
        #expect(reports.count == 1)
        let text = String(decoding: reports.first?.message ?? [], as: UTF8.self)
        #expect(text.contains("Final-Recipient: rfc822; fail@local.test\n"))
        #expect(text.contains("Final-Recipient: rfc822; fail2@local.test\n"))
        #expect(!text.contains("bob@local.test"))
        #expect(stage.files.isEmpty)
    }

    @Test func `only what the sender wants to hear of is reported`() throws {
        try stage.accept(
            ["fail@local.test", "fail2@local.test", "fail3@local.test"],
            notify: [.never, [.success, .failure], [.success, .delay]])
        try stage.run()
        let reports = stage.agents.delivered(to: "alice@local.test")
        #expect(reports.count == 1)
        let text = String(decoding: reports.first?.message ?? [], as: UTF8.self)
        #expect(text.contains("Final-Recipient: rfc822; fail2@local.test\n"))
        #expect(!text.contains("fail@local.test") && !text.contains("fail3@local.test"))
        #expect(stage.files.isEmpty)
    }

    @Test func `what nobody wants to hear of is not reported`() throws {
        try stage.accept(["fail@local.test"], notify: [.never])
        try stage.run()
        #expect(stage.agents.delivered.isEmpty)
        #expect(stage.files.isEmpty)
    }

    @Test func `the whole message is returned where that was asked for`() throws {
        try stage.accept(["fail@local.test"], ret: .full)
        try stage.accept(["fail@local.test"], number: 2, ret: .headers)
        try stage.run()
        let reports = stage.agents.delivered(to: "alice@local.test")
        let texts = reports.map { String(decoding: $0.message, as: UTF8.self) }
        #expect(texts.count { $0.contains("Subject: hello\n\nbody\n--=_") } == 1)
        #expect(texts.count { $0.contains("Subject: hello\n--=_") } == 1)
    }

    @Test func `failures of later attempts are reported in another report`() throws {
        try stage.accept(["fail@local.test", "defer@remote.test"])
        try stage.run()
        #expect(stage.agents.delivered(to: "alice@local.test").count == 1)
        stage.now += 604_900_000_000
        try stage.run()
        let reports = stage.agents.delivered(to: "alice@local.test")
        #expect(Set(reports.map(\.id)).count == 2)
        let last = String(decoding: reports.last?.message ?? [], as: UTF8.self)
        #expect(last.contains("Final-Recipient: rfc822; defer@remote.test\n"))
        #expect(last.contains("this message has been in the queue too long"))
        #expect(stage.files.isEmpty)
    }

    @Test func `an agent that dies defers`() throws {
        let id = try stage.accept(["die@local.test"])
        try stage.run()
        #expect(stage.files.contains { $0.hasPrefix("deferred/") && $0.hasSuffix("\(id)") })
    }

    @Test func `a destination that cannot be reached is left alone, others are not`() throws {
        let settings = try RunnerSettings(stage.root)
        let runner = try QueueRunner(
            try stage.spool(), settings, log: Log("test"), clock: { stage.now })
        try stage.accept(["a@silent.test"])
        try stage.run(runner)
        try stage.accept(["b@silent.test", "c@remote.test"], number: 2)
        runner.source.tell(Samples.id(2))
        try stage.run(runner)
        #expect(stage.agents.delivered.map(\.recipient) == ["c@remote.test"])
        let contents = try stage.spool().state(of: Samples.id(2))
        #expect(
            contents.records.contains { record in
                guard case .result([0], let result, _, _) = record else { return false }
                return result.reply.text.hasPrefix(QueueRunner.silentText)
            })
    }

    @Test func `a message that an agent still has is left alone`() throws {
        let id = try stage.accept(["bob@local.test"])
        let file = try stage.spool().open(MessagePlace.new.path(id))
        #expect(try file.borrowed.tryLock("\(id)"))
        try stage.run()
        #expect(stage.agents.delivered.isEmpty)
        try file.borrowed.unlock("\(id)")
        stage.now += MessageSource.secondLook
        try stage.run()
        #expect(stage.agents.delivered.count == 1)
    }

    @Test func `held messages stay`() throws {
        let id = try stage.accept(["bob@local.test"], edits: [.hold])
        try stage.run()
        #expect(stage.files == ["held/\(id)"])
        #expect(stage.agents.delivered.isEmpty)
    }

    @Test func `when no agent is there, nothing is an attempt`() throws {
        stage.agents.close()
        try Files.unlink(stage.root.socket("deliver-local"))
        let id = try stage.accept(["bob@local.test"])
        #expect(throws: TestFailure.self) { try stage.run(turns: 30) }
        #expect(stage.files == ["new/\(id.folder)/\(id)"])
    }

    @Test func `more messages than may be open at once are all delivered`() throws {
        var settings = try RunnerSettings(stage.root)
        settings.activeLimit = 5
        settings.concurrency.local = 3
        for number in 1...40 {
            let recipient = number % 4 == 0 ? "later@local.test" : "bob@local.test"
            try stage.accept([recipient], number: UInt32(number))
        }
        let runner = try QueueRunner(
            try stage.spool(), settings, log: Log("test"), clock: { stage.now })
        try stage.run(runner)
        #expect(stage.agents.delivered.count == 30)
        stage.agents.acceptLater()
        stage.now += 200_000_000
        try stage.run(runner)
        #expect(stage.agents.delivered.count == 40)
        #expect(stage.files.isEmpty)
    }

    @Test func `a bucket that is removed before its removals are synced holds up nothing`() throws {
        let id = try stage.accept(["later@local.test"])
        try stage.run()
        stage.agents.acceptLater()
        stage.now += 200_000_000
        let spool = try stage.spool { name throws(SystemError) in
            // The manager finds the bucket empty before it syncs it.
            guard "\(name)" == "fsync folder" else { return }
            for bucket in try Files.names(in: "\(self.stage.queuePath)/deferred") {
                _ = try? Files.removeFolder("\(self.stage.queuePath)/deferred/\(bucket)")
            }
        }
        let runner = try QueueRunner(
            spool, try RunnerSettings(stage.root), log: Log("test"), clock: { stage.now })
        try stage.run(runner)
        #expect(stage.agents.delivered.map(\.id) == [id])
        #expect(stage.files.isEmpty)
    }

    @Test func `a destination that is slow holds up no other`() throws {
        var settings = try RunnerSettings(stage.root)
        settings.activeLimit = 8
        settings.concurrency.perDestination = 1
        // 50 messages for a domain whose one delivery does not end, and then two others.
        for number in 1...50 {
            try stage.accept(["slow\(number)@slow.test"], number: UInt32(number))
        }
        let runner = try QueueRunner(
            try stage.spool(), settings, log: Log("test"), clock: { stage.now })
        for _ in 0..<10 {
            runner.work()
            try runner.wait(nil, atMost: 10)
        }
        try stage.accept(["bob@local.test"], number: 51)
        try stage.accept(["carol@remote.test"], number: 52)
        runner.source.tell(Samples.id(51))
        runner.source.tell(Samples.id(52))
        let areDelivered = try eventually(within: .seconds(20)) {
            runner.work()
            try runner.wait(nil, atMost: 10)
            let delivered = stage.agents.delivered.map(\.recipient)
            return delivered.contains("bob@local.test") && delivered.contains("carol@remote.test")
        }
        #expect(areDelivered)
        #expect(stage.agents.delivered.count == 2)
        stage.agents.acceptLater()
        try stage.run(runner)
        #expect(stage.agents.delivered.count == 52)
        #expect(stage.files.isEmpty)
    }

    @Test func `ids that the trigger tells are found, also when it overflows`() throws {
        let spool = try stage.spool()
        let runner = try QueueRunner(
            spool, try RunnerSettings(stage.root), log: Log("test"), clock: { stage.now })
        try stage.run(runner)
        for number in 1...20 { try stage.accept(["bob@local.test"], number: UInt32(number)) }
        // Told of one, and of far more than the FIFO holds that are not there.
        spool.pullTrigger(Samples.id(3))
        for number in 100..<4000 { spool.pullTrigger(Samples.id(UInt32(number))) }
        try runner.wait(nil, atMost: 1000)
        try stage.run(runner)
        #expect(stage.agents.delivered.count == 20)
    }
}
