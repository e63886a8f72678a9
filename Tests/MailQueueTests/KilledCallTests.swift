import Glibc
import MailModel
import TestSupport
import Testing
import UnixIO

@testable import MailQueue

/// Real processes that are killed before and after each of their calls that change the disk.
@Suite struct KilledCallTests {
    /// Where a process is killed: right before this call.
    private struct Point {
        var name: String
        /// Counted from 1, among the calls of this name that the process makes.
        var ordinal: Int
    }

    /// Runs a tool under strace; with a point it does not come farther than that.
    private func traced(_ tool: Tool, _ trace: String, killedAt point: Point? = nil) throws -> Tool
    {
        var traced = tool
        traced.path = try SystemCalls.strace()
        traced.arguments = SystemCalls.options + ["-o", trace]
        if let point {
            traced.arguments += [
                "-e", "trace=\(point.name)",
                "-e", "inject=\(point.name):signal=KILL:when=\(point.ordinal)",
            ]
        }
        traced.arguments += [tool.path] + tool.arguments
        return traced
    }

    /// The points before and after each change that calls below a folder made.
    private func points(_ trace: String, below folder: String) throws -> [Point] {
        let calls = try SystemCalls.read(trace)
        var disk = DiskModel(below: folder, keepsOrder: false)
        var points: [Point] = []
        for (index, call) in calls.enumerated() where disk.follow(call) {
            points.append(Point(name: call.name, ordinal: call.ordinal + 1))
            // What follows is the first thing that it does not come to any more.
            guard let next = calls[(index + 1)...].first(where: { $0.process == call.process })
            else { continue }
            points.append(Point(name: next.name, ordinal: next.ordinal + 1))
        }
        return points
    }

    private func submission(_ stage: QueueStage) throws -> Tool {
        var tool = try Tool("queue-message", ["--root", stage.folder.path])
        tool.message = Samples.text
        tool.envelope = Array("Falice@local.test\0Tbob@local.test\0\0".utf8)
        return tool
    }

    @Test func `queue-message that is killed leaves the whole message or nothing`() throws {
        let first = try QueueStage()
        _ = try first.spool()
        let trace = first.folder.file("trace")
        #expect(try traced(submission(first), trace).run().code == 0)
        let points = try points(trace, below: first.queuePath)
        #expect(points.count >= 8, "\(points)")
        for point in points {
            let stage = try QueueStage()
            _ = try stage.spool()
            let result = try traced(
                submission(stage), stage.folder.file("trace"), killedAt: point
            ).run()
            #expect(result.code != 0, "\(point)")
            let names = stage.files
            try stage.run()
            #expect(stage.files.isEmpty, "\(stage.files), \(point)")
            #expect(stage.agents.delivered.count == names.count, "\(names), \(point)")
            #expect(
                stage.agents.delivered.allSatisfy {
                    $0.message.suffix(Samples.text.count).elementsEqual(Samples.text)
                })
        }
    }

    private static let recipients = ["bob@local.test", "fail@local.test", "later@remote.test"]

    /// A queue with a message, and a manager that works on it until it is deferred or killed.
    private func manage(_ stage: QueueStage, _ point: Point?) throws -> Bool {
        let tool = try Tool("queue-manager", ["--root", stage.folder.path])
        let traced = try traced(tool, stage.folder.file("trace"), killedAt: point)
        let wrapper = try stage.folder.write(
            "traced",
            "#!/bin/sh\nexec \(traced.path) \(traced.arguments.joined(separator: " ")) \"$@\"\n",
            mode: 0o700)
        var started = try Tool(wrapper)
        started.limit = .seconds(60)
        // Killed while it starts, or later.
        guard let manager = try? Service(started, log: stage.folder.file("log")) else {
            return true
        }
        let isDone = eventually(within: .seconds(point == nil ? 20 : 5)) {
            manager.process.termination != nil || isAtRest(stage)
        }
        if point == nil { #expect(isDone, "\(stage.files)\n\(manager.log)") }
        let wasKilled = eventually(within: .milliseconds(point == nil ? 0 : 300)) {
            manager.process.termination != nil
        }
        if !wasKilled {
            // strace would leave it behind.
            for pid in Processes.below(manager.process.pid) { kill(pid, SIGTERM) }
            try manager.process.wait(.seconds(60), "strace")
        }
        return wasKilled
    }

    private func isAtRest(_ stage: QueueStage) -> Bool {
        !stage.agents.delivered(to: "alice@local.test").isEmpty
            && stage.files.allSatisfy { $0.hasPrefix("deferred/") || $0.hasPrefix("state/") }
            && stage.files.count == 2
    }

    @Test func `a manager that is killed loses nothing and reports once`() throws {
        let first = try QueueStage()
        first.now = WallClock.microseconds
        try first.accept(Self.recipients)
        _ = try manage(first, nil)
        let points = try points(first.folder.file("trace"), below: first.queuePath)
        #expect(points.count >= 20, "\(points.count)")
        var kills = 0
        for point in points {
            let stage = try QueueStage()
            // The manager's clock is the real one.
            stage.now = WallClock.microseconds
            try stage.accept(Self.recipients)
            if try manage(stage, point) { kills += 1 }
            stage.agents.acceptLater()
            stage.now = WallClock.microseconds + 1_000_000_000
            try stage.spool().sweepTemporaryFiles()
            let runner = try QueueRunner(
                try stage.spool(), try RunnerSettings(stage.root), log: Log("test"),
                clock: { stage.now })
            try stage.run(runner)
            // What was only reported on at first waits for its next bucket.
            stage.now += 100_000_000
            try stage.run(runner)
            stage.now += 2 * StateSweep.interval
            runner.work()
            for recipient in ["bob@local.test", "later@remote.test"] {
                let count = stage.agents.delivered(to: recipient).count
                #expect((1...2).contains(count), "\(recipient): \(count) times, \(point)")
            }
            let reports = stage.agents.delivered(to: "alice@local.test")
            #expect(Set(reports.map(\.id)).count == 1, "\(point)")
            #expect(stage.files.isEmpty, "\(stage.files), \(point)")
        }
        // A call or two may come in another order, or not at all, in another run.
        #expect(kills * 10 >= points.count * 9, "\(kills) of \(points.count)")
    }

    @Test func `deliver-local that is killed leaves no half message in a mailbox`() throws {
        func world() throws -> (folder: TestFolder, tool: Tool) {
            let folder = try TestFolder()
            try folder.write("etc/control/me", "mail.test\n")
            try folder.write("etc/control/mailboxes", "bob@local.test\n")
            try folder.write("mail/.keep", "")
            // A file that changed less than 20 ms ago is read twice: then runs make other calls.
            usleep(40_000)
            var tool = try Tool(
                "deliver-local",
                ["--root", folder.path, "--sender", "alice@local.test", "bob@local.test"])
            tool.message = Samples.text
            return (folder, tool)
        }
        let new = "mail/local.test/bob/Maildir/new"
        let first = try world()
        let trace = first.folder.file("trace")
        #expect(try traced(first.tool, trace).run().code == 0)
        let whole = try first.folder.read("\(new)/\(first.folder.names(in: new)[0])")
        let points = try points(trace, below: first.folder.file("mail"))
        #expect(points.count >= 10, "\(points.count)")
        for point in points {
            let (folder, tool) = try world()
            let result = try traced(tool, folder.file("trace"), killedAt: point).run()
            #expect(result.code != 0, "\(point)")
            for name in folder.names(in: new) {
                #expect(try folder.read("\(new)/\(name)") == whole, "\(point)")
            }
            #expect(try tool.run().code == 0, "\(point)")
            #expect((1...2).contains(folder.names(in: new).count), "\(point)")
        }
    }
}
