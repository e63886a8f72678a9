import MailModel
import TestSupport
import Testing
import UnixIO

@testable import MailQueue

/// A message that is reported on in every way, and the manager killed before each of its calls.
@Suite struct ReportCrashTests {
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

    private func live(_ stage: QueueStage, _ crash: Crash) throws {
        for hour in [0, 5, 6, 200] as [UInt64] {
            stage.now = max(stage.now, Samples.now + hour * 3_600_000_000)
            try run(stage, crash)
            guard !crash.happened else { return }
        }
    }

    private func begin() throws -> QueueStage {
        let stage = try QueueStage()
        try stage.accept(
            ["bob@local.test", "fail@local.test", "defer@remote.test"],
            notify: [[.success], [.failure], nil])
        return stage
    }

    @Test func `each report is made once, whichever call is the last`() throws {
        let whole = try begin()
        let counting = Crash(before: .max)
        try live(whole, counting)
        #expect(whole.files.isEmpty)
        for number in counting.calls.indices {
            let stage = try begin()
            try live(stage, Crash(before: number))
            for _ in 0..<4 {
                stage.now += 604_800_000_000
                try run(stage, Crash(before: .max))
            }
            let moment = "\(number): \(counting.calls[number])"
            let texts = stage.agents.delivered(to: "alice@local.test")
            for (action, count) in [("delivered", 1...1), ("failed", 2...2), ("delayed", 0...1)] {
                let ids = Set(texts.filter { $0.text.contains("Action: \(action)\n") }.map(\.id))
                #expect(count.contains(ids.count), "\(action): \(ids), \(moment)")
            }
        }
    }
}
