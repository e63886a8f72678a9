import Glibc
import MailModel
import TestSupport
import Testing
import UnixIO

@testable import MailQueue

@Suite struct ManagerLogTests {
    private let stage: QueueStage

    init() throws {
        stage = try QueueStage()
        try stage.folder.write("etc/control/logformat", "qmail\n")
        try stage.folder.write("etc/control/concurrencylocal", "7\n")
    }

    /// Collects qmail's lines.
    private final class Lines {
        var all: [String] = []
    }

    private func runner(_ lines: Lines) throws -> QueueRunner {
        let runner = try QueueRunner(
            try stage.spool(), try RunnerSettings(stage.root), log: Log("test"),
            clock: { stage.now })
        runner.log.write = { lines.all.append(String(decoding: $0.dropLast(), as: UTF8.self)) }
        return runner
    }

    @Test func `the lives of messages are told in qmail-send's words`() throws {
        let lines = Lines()
        let local = try stage.accept(["bob@local.test"]).logNumber
        try stage.run(runner(lines))
        let size = Samples.text.count
        #expect(
            lines.all == [
                "new msg \(local)",
                "info msg \(local): bytes \(size) from <alice@local.test> qp 1 uid 0",
                "starting delivery 1: msg \(local) to local bob@local.test",
                "status: local 1/7 remote 0/20",
                "delivery 1: success: 250_2.0.0_ok/",
                "status: local 0/7 remote 0/20",
                "end msg \(local)",
            ])
        lines.all = []
        let late = try stage.accept(["later%@remote.test"], number: 2).logNumber
        try stage.run(runner(lines))
        #expect(lines.all.count == 6)
        #expect(
            lines.all.dropFirst(2).first
                == "starting delivery 1: msg \(late) to remote later_@remote.test")
        #expect(lines.all.dropFirst(3).first == "status: local 0/7 remote 1/20")
        #expect(lines.all.dropFirst(4).first?.hasPrefix("delivery 1: deferral: ") == true)
        #expect(lines.all.last == "status: local 0/7 remote 0/20")
        lines.all = []
        stage.agents.acceptLater()
        stage.now += 3_600_000_000
        try stage.run(runner(lines))
        #expect(
            lines.all == [
                "starting delivery 1: msg \(late) to remote later_@remote.test",
                "status: local 0/7 remote 1/20",
                "delivery 1: success: 250_2.0.0_ok/",
                "status: local 0/7 remote 0/20",
                "end msg \(late)",
            ])
    }

    @Test func `a failure is followed by its bounce, and that by its own life`() throws {
        let lines = Lines()
        let id = try stage.accept(["fail@remote.test"])
        let (number, report) = (id.logNumber, DSN.id(for: id, .failure, number: 0).logNumber)
        try stage.run(runner(lines))
        #expect(lines.all.contains { $0.hasPrefix("delivery 1: failure: ") && $0.hasSuffix("/") })
        #expect(!lines.all.contains { $0.hasPrefix("delivery ") && $0.dropFirst(22).contains(" ") })
        // Times of the file system decide when the end is written.
        let others = lines.all.filter { !$0.hasPrefix("end msg") }
        #expect(others.dropFirst(6).first == "bounce msg \(number) qp \(getpid())")
        #expect(others.dropFirst(7).first == "new msg \(report)")
        #expect(
            others.dropFirst(8).first?.hasSuffix("from <> qp \(getpid()) uid \(getuid())") == true)
        #expect(
            others.dropFirst(9).first
                == "starting delivery 2: msg \(report) to local alice@local.test")
        #expect(
            Set(lines.all.filter { $0.hasPrefix("end msg") }) == [
                "end msg \(number)", "end msg \(report)",
            ])
    }

    @Test func `what comes back to nobody is a triple bounce`() throws {
        let lines = Lines()
        let id = try stage.accept(["fail@remote.test"], from: "#@[]")
        try stage.run(runner(lines))
        #expect(lines.all.contains("triple bounce: discarding bounce/\(id.logNumber)"))
        #expect(!lines.all.contains { $0.hasPrefix("bounce msg") })
    }

    @Test func `a format that does not exist is refused with file and line`() throws {
        try stage.folder.write("etc/control/logformat", "sendmail\n")
        let result = try Tool("queue-manager", ["--root", stage.folder.path]).run()
        #expect(result.code == 78)
        #expect(result.errors.contains("logformat"))
        #expect(result.errors.contains("sendmail: it is events or qmail"))
    }
}
