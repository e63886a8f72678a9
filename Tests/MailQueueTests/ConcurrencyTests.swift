import Control
import MailModel
import TestSupport
import Testing

@testable import MailQueue

/// The control files of the schedule and of the limits.
@Suite struct ScheduleFileTests {
    private let folder: TestFolder
    private var control: ControlFolder { ControlFolder(folder.file("control")) }

    init() throws { folder = try TestFolder() }

    private func write(_ name: String, _ text: String) throws {
        try folder.write("control/\(name)", text)
    }

    @Test func `without files it is as in qmail`() throws {
        try write("me", "mail.test\n")
        let limits = try Concurrency(control)
        #expect((limits.local, limits.remote, limits.perDestination) == (20, 20, 10))
        #expect(try RetrySchedule(control) == RetrySchedule())
    }

    @Test func `numbers are read by qmail's rules and bounded`() throws {
        try write("concurrencylocal", "0\n")
        try write("concurrencyremote", "100000 much\n")
        try write("queuelifetime", "99999999999999999999\n")
        let limits = try Concurrency(control)
        #expect((limits.local, limits.remote) == (0, 500))
        let schedule = try RetrySchedule(control)
        #expect(schedule.lifetime == RetrySchedule.longestLifetime)
        #expect(schedule.next(arrival: 1000, now: 1000, channel: .remote) == 1400)
    }

    @Test(arguments: ["0", "501", "ten", "a.test:", ":5", "a.test:-1", "a.test:501", "a.test:1:2"])
    func `a wrong line of concurrencydestination is refused with its number`(line: String) throws {
        try write("concurrencydestination", "10\n\(line)\n")
        #expect {
            try Concurrency(control)
        } throws: { error in
            "\(error)".contains("concurrencydestination") && "\(error)".contains("2")
        }
    }

    @Test func `a schedule of pauses`() throws {
        try write("retryschedule", "remote 5m 15m 1h\nlocal\tquadratic 5\n")
        let schedule = try RetrySchedule(control)
        var ages: [Int] = []
        var now = 0
        for _ in 0..<5 {
            now = schedule.next(arrival: 0, now: now, channel: .remote)
            ages.append(now)
        }
        #expect(ages == [300, 1200, 4800, 8400, 12_000])
        #expect(schedule.next(arrival: 0, now: 0, channel: .local) == 25)
        // Late by more than half of the next pause: that one is left out.
        #expect(schedule.next(arrival: 0, now: 800, channel: .remote) == 4800)
    }

    @Test(arguments: [
        "remote", "remote 0s", "remote 5", "remote quadratic", "remote quadratic 0",
        "remote quadratic 1001", "both 5m", "remote 400d", "remote 1ms",
    ])
    func `a wrong line of retryschedule is refused with its number`(line: String) throws {
        try write("retryschedule", "local 1m\n\(line)\n")
        #expect {
            try RetrySchedule(control)
        } throws: { error in
            "\(error)".contains("retryschedule") && "\(error)".contains("2")
        }
    }
}
