import MailModel
import TestSupport
import Testing
import UnixIO

@testable import MailQueue

/// A message with every kind of recipient, and the manager killed before each of its calls.
@Suite struct CrashTests {
    private static let recipients = [
        "bob@local.test", "fail@local.test", "later@remote.test", "carol@remote.test",
    ]

    /// Runs until rest, until the crash, or until every message is gone.
    private func run(_ stage: QueueStage, _ crash: Crash) throws {
        let runner = try QueueRunner(
            try stage.spool(crash.probe), try RunnerSettings(stage.root), log: Log("test"),
            clock: { stage.now })
        for _ in 0..<2000 {
            runner.work()
            if runner.isIdle || crash.happened { return }
            try runner.wait(nil, atMost: 20)
            stage.now += 20_000
        }
        throw TestFailure("the manager did not come to rest")
    }

    /// From acceptance to the last file's end: the first attempts, then the later one.
    private func live(_ stage: QueueStage, _ crash: Crash) throws {
        try run(stage, crash)
        guard !crash.happened else { return }
        stage.agents.acceptLater()
        stage.now += 500_000_000
        try run(stage, crash)
    }

    private func countCalls() throws -> [String] {
        let stage = try QueueStage()
        try stage.accept(Self.recipients)
        let crash = Crash(before: .max)
        try live(stage, crash)
        #expect(stage.files.isEmpty)
        return crash.calls
    }

    /// What must hold however it went.
    private func expectNothingLost(_ stage: QueueStage, _ moment: String) {
        let delivered = stage.agents.delivered
        for recipient in ["bob@local.test", "later@remote.test", "carol@remote.test"] {
            let count = delivered.filter { $0.recipient == recipient }.count
            #expect((1...2).contains(count), "\(recipient): \(count) times, \(moment)")
        }
        // One more than one delivery each is what was in flight at the crash.
        let reports = delivered.filter { $0.recipient == "alice@local.test" }
        #expect(Set(reports.map(\.id)).count == 1, "\(moment)")
        #expect((1...2).contains(reports.count), "\(reports.count) reports, \(moment)")
        #expect(stage.files.isEmpty, "\(stage.files), \(moment)")
    }

    private func recover(_ stage: QueueStage, _ moment: String) throws {
        stage.agents.acceptLater()
        for _ in 0..<3 {
            // Past what is locked, deferred or to be swept.
            stage.now += 500_000_000
            try run(stage, Crash(before: .max))
        }
        let runner = try QueueRunner(
            try stage.spool(), try RunnerSettings(stage.root), log: Log("test"),
            clock: { stage.now })
        stage.now += 2 * StateSweep.interval
        runner.work()
        expectNothingLost(stage, moment)
    }

    @Test func `nothing is lost and one report is made, whichever call is the last`() throws {
        let calls = try countCalls()
        #expect(calls.contains("fdatasync state"))
        for number in calls.indices {
            let stage = try QueueStage()
            try stage.accept(Self.recipients)
            let crash = Crash(before: number)
            try live(stage, crash)
            #expect(crash.happened)
            try recover(stage, "killed before \(calls[number]), call \(number)")
        }
    }

    @Test func `nothing is lost when recovery is killed, too`() throws {
        let calls = try countCalls()
        for number in stride(from: 0, to: calls.count, by: 3) {
            for second in stride(from: 0, to: 12, by: 4) {
                let stage = try QueueStage()
                try stage.accept(Self.recipients)
                try live(stage, Crash(before: number))
                stage.now += 500_000_000
                try run(stage, Crash(before: second))
                stage.agents.acceptLater()
                for _ in 0..<4 {
                    stage.now += 500_000_000
                    try run(stage, Crash(before: .max))
                }
                let delivered = stage.agents.delivered
                for recipient in ["bob@local.test", "later@remote.test", "carol@remote.test"] {
                    #expect(delivered.contains { $0.recipient == recipient })
                }
                let reports = delivered.filter { $0.recipient == "alice@local.test" }
                #expect(Set(reports.map(\.id)).count == 1, "\(number), \(second)")
                #expect(!stage.files.contains { !$0.hasPrefix("state/") })
            }
        }
    }

    /// A machine that loses power keeps what was synced and may lose the rest.
    @Test func `nothing is lost when the unsynced part of states is lost`() throws {
        let calls = try countCalls()
        for number in calls.indices {
            let stage = try QueueStage()
            let id = try stage.accept(Self.recipients)
            let state = Spool.stateName(id)
            let crash = Crash(before: number)
            let synced = Box(0)
            let path = "\(stage.queuePath)/\(state)"
            try live(stage, crash, onSync: { synced.value = try size(of: path) })
            try forget(path, beyond: synced.value)
            try recover(stage, "power lost before \(calls[number]), call \(number)")
        }
    }

    private func live(
        _ stage: QueueStage, _ crash: Crash, onSync: @escaping () throws -> Void
    ) throws {
        let isAfterSync = Box(false)
        let probe: Spool.Probe = { name throws(SystemError) in
            // The call before this one was made.
            if isAfterSync.value { try? onSync() }
            try crash.probe(name)
            isAfterSync.value = "\(name)" == "fsync folder"
        }
        for round in 0..<2 {
            let runner = try QueueRunner(
                try stage.spool(probe), try RunnerSettings(stage.root), log: Log("test"),
                clock: { stage.now })
            for _ in 0..<2000 {
                runner.work()
                if runner.isIdle || crash.happened { break }
                try runner.wait(nil, atMost: 20)
                stage.now += 20_000
            }
            guard !crash.happened, round == 0 else { return }
            stage.agents.acceptLater()
            stage.now += 500_000_000
        }
    }

    private func size(of path: String) throws -> Int {
        Int(try Files.status(path)?.st_size ?? 0)
    }

    private func forget(_ path: String, beyond length: Int) throws {
        guard try size(of: path) > length else { return }
        if length == 0 { return try Files.unlink(path) }
        let file = try Files.open(path, 2)
        try file.borrowed.truncate(to: length, path)
    }
}
