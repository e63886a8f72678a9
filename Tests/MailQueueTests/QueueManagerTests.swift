import Control
import Glibc
import MailModel
import TestSupport
import Testing
import UnixIO

@testable import MailQueue

/// queue-manager as it is run for real.
@Suite struct QueueManagerTests {
    private let stage: QueueStage

    init() throws {
        stage = try QueueStage()
        stage.now = WallClock.microseconds
    }

    private func tool(_ arguments: [String] = []) throws -> Tool {
        try Tool("queue-manager", ["--root", stage.folder.path] + arguments)
    }

    private func manager(_ arguments: [String] = []) throws -> Service {
        try Service(tool(arguments), log: stage.folder.file("log"))
    }

    @Test func `what is there at the start and what comes later is delivered`() throws {
        try stage.accept(["bob@local.test"])
        let manager = try manager()
        #expect(eventually { stage.agents.delivered.count == 1 })
        let id = try stage.accept(["carol@local.test"], number: 2)
        try stage.spool().pullTrigger(id)
        #expect(eventually { stage.agents.delivered.count == 2 })
        #expect(eventually { stage.files.isEmpty })
        #expect(try manager.stop() == .exited(0))
        #expect(manager.log.contains("event=finished message=\(id)"))
    }

    @Test func `a second manager is refused, and takes over when the first is killed`() throws {
        let first = try manager()
        let result = try tool().run()
        #expect(result.code == 75)
        #expect(result.errors.contains("another manager runs this queue"))
        try first.stop(SIGKILL)
        let second = try manager()
        try stage.accept(["bob@local.test"])
        try stage.spool().pullTrigger(Samples.id())
        #expect(eventually { stage.agents.delivered.count == 1 })
        try second.stop()
    }

    @Test func `SIGALRM makes everything due`() throws {
        let manager = try manager()
        let id = try stage.accept(["later@remote.test"])
        try stage.spool().pullTrigger(id)
        #expect(eventually { stage.files.contains { $0.hasPrefix("deferred/") } })
        stage.agents.acceptLater()
        manager.process.signal(SIGALRM)
        #expect(eventually { stage.agents.delivered.count == 1 })
        #expect(eventually { stage.files.isEmpty })
        try manager.stop()
    }

    @Test func `SIGHUP brings the concurrencies that the files say now`() throws {
        try stage.folder.write("etc/control/concurrencyremote", "1\n")
        for number in 1...4 {
            try stage.accept(["slow@d\(number).test"], number: UInt32(number))
        }
        let manager = try manager()
        let asked = { (1...4).reduce(0) { $0 + stage.agents.attempts(at: "d\($1).test") } }
        #expect(eventually { asked() == 1 })
        try stage.folder.write("etc/control/concurrencyremote", "10\n")
        manager.process.signal(SIGHUP)
        #expect(eventually { asked() == 4 })
        try stage.folder.write("etc/control/concurrencydestination", "none\n")
        manager.process.signal(SIGHUP)
        #expect(eventually { manager.log.contains("event=reload-failed") })
        stage.agents.acceptLater()
        #expect(eventually { stage.files.isEmpty })
        try manager.stop()
    }

    @Test func `what is held stays so whatever signal comes, and goes when it is released`() throws
    {
        let id = try stage.accept(["bob@local.test"], edits: [.hold])
        let manager = try manager()
        for signal in [SIGALRM, SIGHUP] { manager.process.signal(signal) }
        try stage.accept(["carol@local.test"], number: 2)
        try stage.spool().pullTrigger(Samples.id(2))
        #expect(eventually { stage.agents.delivered.count == 1 })
        #expect(eventually { stage.files == ["held/\(id)"] })
        try Files.rename(
            "\(stage.queuePath)/held/\(id)",
            to: "\(stage.queuePath)/\(MessagePlace.new.path(id))")
        try stage.spool().pullTrigger(id)
        #expect(eventually { stage.agents.delivered(to: "bob@local.test").count == 1 })
        try manager.stop()
    }

    @Test func `thousands that are due for the dead keep nobody waiting, and end where they must`()
        throws
    {
        let now = Int(stage.now / 1_000_000)
        try stage.place(3000, dueAt: now - 3600) { "bob@d\($0 % 300).silent.test" }
        let manager = try manager()
        try stage.accept(["carol@remote.test"], number: 9000)
        try stage.spool().pullTrigger(Samples.id(9000))
        #expect(eventually { stage.agents.delivered.count == 1 })
        let overdue = Bucket(due: now - 3600)
        #expect(
            eventually(within: .seconds(60)) {
                !stage.files.contains { $0.hasPrefix("deferred/\(overdue)/") }
            })
        try manager.stop()
        #expect(stage.files.count { $0.hasPrefix("deferred/") } == 3000)
        #expect(stage.agents.attempts(at: "d1.silent.test") <= 10)
    }

    @Test func `a manager that is killed again and again loses nothing`() throws {
        let count = 120
        for number in 1...count {
            try stage.accept(
                ["bob@local.test", "carol@remote.test", "fail@local.test"],
                number: UInt32(number))
        }
        for round in 0..<6 {
            let manager = try manager()
            let before = stage.agents.delivered.count
            _ = eventually(within: .seconds(2)) {
                stage.agents.delivered.count > before + 10 + round * 3
            }
            try manager.stop(SIGKILL)
        }
        let last = try manager()
        let isDone = eventually(within: .seconds(60)) {
            last.process.signal(SIGALRM)
            usleep(200_000)
            return !stage.files.contains { !$0.hasPrefix("state/") }
        }
        #expect(isDone, "left: \(stage.files)")
        try last.stop()
        for number in 1...count {
            let id = Samples.id(UInt32(number))
            let mine = stage.agents.delivered.filter { $0.id == id }
            #expect(mine.contains { $0.recipient == "bob@local.test" }, "\(id)")
            #expect(mine.contains { $0.recipient == "carol@remote.test" }, "\(id)")
            let report = DSN.id(for: id, .failure, number: 0)
            #expect(stage.agents.delivered.contains { $0.id == report }, "\(id)")
        }
        let reports = stage.agents.delivered(to: "alice@local.test")
        #expect(Set(reports.map(\.id)).count == count)
    }

    @Test func `without me it does not start, and says which file`() throws {
        try Files.unlink(stage.folder.file("etc/control/me"))
        let result = try tool().run()
        #expect(result.code == 78)
        #expect(result.errors.contains("etc/control/me"))
    }

    @Test func `bad usage is 64, an unusable queue 71`() throws {
        #expect(try tool(["--active", "0"]).run().code == 64)
        try stage.folder.write("spool", "a file")
        #expect(try tool().run().code == 71)
    }
}
