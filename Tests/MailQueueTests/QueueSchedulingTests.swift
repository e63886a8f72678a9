import Control
import MailModel
import TestSupport
import Testing
import UnixIO

@testable import MailQueue

/// What the manager begins, with agents that do what a test says, and a clock that it sets.
@Suite struct QueueSchedulingTests {
    private let stage: QueueStage

    init() throws { stage = try QueueStage() }

    private func runner(_ change: (inout RunnerSettings) -> Void = { _ in }) throws -> QueueRunner {
        var settings = try RunnerSettings(stage.root)
        change(&settings)
        return try QueueRunner(
            try stage.spool(), settings, log: Log("test"), clock: { stage.now })
    }

    /// A few turns, for what does not come to rest.
    private func turn(_ runner: QueueRunner, _ count: Int = 10) throws {
        for _ in 0..<count {
            runner.work()
            try runner.wait(nil, atMost: 10)
        }
    }

    private func turnUntil(_ runner: QueueRunner, _ isDone: () -> Bool) throws -> Bool {
        try eventually(within: .seconds(20)) {
            try turn(runner, 1)
            return isDone()
        }
    }

    private func records(of number: UInt32) throws -> [StateRecord] {
        try stage.spool().state(of: Samples.id(number)).records
    }

    /// The domain does not answer: after a minute and a bit everything is due again.
    private func everyMinute(_ settings: inout RunnerSettings) {
        settings.schedule.remote = .pauses([1])
    }

    @Test func `new mail flows past old mail that is due for the dead`() throws {
        try stage.place(1500, dueAt: Samples.seconds - 100) { "bob@d\($0 % 50).silent.test" }
        let runner = try runner()
        try turn(runner, 1)
        try stage.accept(["carol@remote.test"], number: 5000)
        runner.source.tell(Samples.id(5000))
        runner.work()
        #expect(runner.running.contains { $0.plan.message == Samples.id(5000) })
        let bucket = Bucket(due: Samples.seconds - 100)
        let left = stage.files.filter { $0.hasPrefix("deferred/\(bucket)/") }
        #expect(left.count > 1000, "the others were not looked at first")
    }

    @Test func `a dead destination is asked by one delivery after each pause`() throws {
        let runner = try runner(everyMinute)
        for number in 1...40 { try stage.accept(["bob@silent.test"], number: UInt32(number)) }
        try stage.run(runner)
        let first = stage.agents.attempts(at: "silent.test")
        #expect(first >= 1 && first <= 10, "no more than its limit before it is known to fail")
        for pause in [64, 128] {
            let before = stage.agents.attempts(at: "silent.test")
            stage.now += UInt64(pause) * 1_000_000
            try stage.run(runner)
            #expect(stage.agents.attempts(at: "silent.test") == before + 1)
        }
        stage.agents.acceptLater()
        for _ in 0..<20 {
            stage.now += 600_000_000
            try stage.run(runner)
        }
        #expect(stage.agents.delivered.count == 40)
        #expect(stage.files.isEmpty)
    }

    @Test func `what is put off again and again writes nothing`() throws {
        let runner = try runner(everyMinute)
        for number in 1...2 { try stage.accept(["bob@silent.test"], number: UInt32(number)) }
        try stage.run(runner)
        stage.now += 64_000_000
        try stage.run(runner)
        let counts = [try records(of: 1).count, try records(of: 2).count].sorted()
        #expect(counts == [1, 2])
        #expect(stage.agents.attempts(at: "silent.test") == 3)
        // The states say where the messages are, although no record does.
        for number: UInt32 in 1...2 {
            let bucket = try stage.spool().markedBucket(of: Samples.id(number)).map { "\($0)" }
            #expect(stage.files.contains("deferred/\(bucket ?? "")/\(Samples.id(number))"))
        }
    }

    @Test func `mail whose time is over is not tried at a destination that was just dead`() throws {
        let runner = try runner { settings in
            everyMinute(&settings)
            settings.schedule.lifetime = 100
        }
        for number in 1...3 { try stage.accept(["bob@silent.test"], number: UInt32(number)) }
        try stage.run(runner)
        let before = stage.agents.attempts(at: "silent.test")
        stage.now += 128_000_000
        try stage.run(runner)
        #expect(stage.agents.attempts(at: "silent.test") == before + 1)
        #expect(stage.agents.delivered(to: "alice@local.test").count == 3)
        #expect(stage.files.isEmpty)
    }

    @Test func `with a lifetime of 0 a deferral is a failure`() throws {
        try stage.folder.write("etc/control/queuelifetime", "0\n")
        try stage.accept(["defer@local.test"])
        try stage.run()
        #expect(stage.agents.delivered(to: "alice@local.test").count == 1)
        #expect(stage.files.isEmpty)
    }

    @Test func `reports and small local mail pass slow mail for many`() throws {
        let runner = try runner { settings in
            settings.activeLimit = 8
            settings.concurrency.local = 5
        }
        for number in 1...20 {
            let many = (0..<51).map { "slow\($0)@local.test" }
            try stage.accept(many, number: UInt32(number))
        }
        try turn(runner)
        try stage.accept(["bob@local.test"], from: "", number: 100)
        try stage.accept(["carol@local.test"], number: 101)
        for number in [100, 101] { runner.source.tell(Samples.id(UInt32(number))) }
        #expect(try turnUntil(runner) { stage.agents.delivered.count == 2 })
        #expect(
            Set(stage.agents.delivered.map(\.recipient)) == ["bob@local.test", "carol@local.test"])
        stage.agents.acceptLater()
        #expect(try turnUntil(runner) { stage.agents.delivered.count == 2 + 20 * 51 })
    }

    @Test func `a recipient at a crowded destination holds up no other of the same message`() throws
    {
        let runner = try runner { settings in
            settings.activeLimit = 8
            settings.concurrency.perDestination = 1
        }
        for number in 1...20 { try stage.accept(["slow@slow.test"], number: UInt32(number)) }
        try turn(runner)
        try stage.accept(["slow@slow.test", "bob@remote.test", "carol@local.test"], number: 30)
        runner.source.tell(Samples.id(30))
        #expect(try turnUntil(runner) { stage.agents.delivered.count == 2 })
        stage.agents.acceptLater()
        try stage.run(runner)
        #expect(stage.agents.delivered.count == 23)
        #expect(stage.agents.delivered(to: "bob@remote.test").count == 1)
        #expect(stage.files.isEmpty)
    }

    @Test func `what cannot even be remembered is found again when there is room`() throws {
        let runner = try runner { $0.activeLimit = 8 }
        runner.parking = Parking(spaces: 6)
        for number in 1...60 { try stage.accept(["slow@slow.test"], number: UInt32(number)) }
        try turn(runner)
        #expect(stage.files.contains { $0.hasPrefix("deferred/") })
        #expect(runner.parking.count <= 6)
        stage.agents.acceptLater()
        #expect(try turnUntil(runner) { stage.agents.delivered.count == 60 })
        try stage.run(runner)
        #expect(stage.files.isEmpty)
        #expect(Set(stage.agents.delivered.map(\.id)).count == 60)
    }

    @Test func `mail for a domain whose deliveries are stopped waits, and says why`() throws {
        try stage.folder.write("etc/control/concurrencydestination", "remote.test:0\n")
        let runner = try runner()
        try stage.accept(["bob@remote.test", "carol@other.test"])
        try stage.run(runner)
        #expect(stage.agents.delivered.map(\.recipient) == ["carol@other.test"])
        let reasons = try records(of: 1).compactMap { record -> String? in
            if case .result([0], let result, _, _) = record { result.reply.text } else { nil }
        }
        #expect(reasons == [QueueRunner.stoppedText])
        try Files.unlink(stage.folder.file("etc/control/concurrencydestination"))
        stage.now += 500_000_000
        try stage.run()
        #expect(stage.agents.delivered.count == 2)
        #expect(stage.files.isEmpty)
    }

    @Test func `a clock that is set back keeps nothing from being written or tried`() throws {
        let runner = try runner()
        try stage.accept(["bob@silent.test"])
        try stage.accept(["carol@local.test"], number: 2)
        #expect(try turnUntil(runner) { runner.flushAt != nil && runner.running.isEmpty })
        stage.now -= 86_400_000_000
        try turn(runner, 1)
        #expect(runner.flushAt == nil)
        let silent = Destination.remote(Array("silent.test".utf8))
        #expect(runner.queue.silence(of: silent, now: Int(stage.now / 1_000_000)) == nil)
    }

    @Test func `a channel that is stopped leaves room to the other`() throws {
        let runner = try runner { settings in
            settings.activeLimit = 8
            settings.concurrency.remote = 0
        }
        for number in 1...30 { try stage.accept(["bob@d\(number).test"], number: UInt32(number)) }
        try turn(runner)
        try stage.accept(["carol@local.test"], number: 100)
        runner.source.tell(Samples.id(100))
        #expect(try turnUntil(runner) { stage.agents.delivered.count == 1 })
        #expect(stage.agents.delivered.map(\.recipient) == ["carol@local.test"])
    }

    @Test func `a message that is moved to held while it waits for room stays there`() throws {
        let runner = try runner { settings in
            settings.activeLimit = 8
            settings.concurrency.perDestination = 1
        }
        for number in 1...20 { try stage.accept(["slow@slow.test"], number: UInt32(number)) }
        try turn(runner)
        guard
            let parked = (1...20).map({ Samples.id(UInt32($0)) }).last(
                where: runner.parking.contains)
        else {
            Issue.record("nothing is parked")
            return
        }
        let queue = stage.queuePath
        try Files.rename(
            "\(queue)/\(MessagePlace.new.path(parked))",
            to: "\(queue)/\(MessagePlace.held.path(parked))")
        stage.agents.acceptLater()
        try stage.run(runner)
        runner.source.everythingIsDue()
        try stage.run(runner)
        #expect(stage.files == ["held/\(parked)"])
        #expect(stage.agents.delivered.count == 19)
    }
}

extension QueueStage {
    /// Puts messages into the bucket of a moment, each tried once.
    func place(
        _ count: Int, dueAt seconds: Int, to recipient: (Int) -> String
    ) throws {
        let spool = try spool()
        let bucket = Bucket(due: seconds)
        for number in 1...count {
            let envelope = Envelope(
                reversePath: try ReversePath(Array("alice@local.test".utf8)),
                recipients: [try Mailbox(Array(recipient(number).utf8))])
            let tried = UInt64(max(0, seconds - 400)) * 1_000_000
            try spool.place(
                Samples.submission(envelope, id: Samples.id(UInt32(number))), bytes: Samples.text,
                arrival: tried,
                records: [.result([0], Samples.result(451), time: tried, due: seconds)],
                at: .deferred(bucket))
        }
    }
}
