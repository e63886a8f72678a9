import MailModel
import Testing

@testable import MailQueue

@Suite struct MessageProgressTests {
    @Test func `at first everything is due`() {
        let progress = MessageProgress(recipients: 3)
        #expect(progress.due(now: 0) == [0, 1, 2])
        #expect(!progress.isFinished)
        #expect(progress.nextDue == 0)
    }

    @Test func `what is deferred waits for its moment`() {
        var progress = MessageProgress(recipients: 2)
        progress.apply(.result([0], Samples.result(451), time: 5_000_000, due: 100))
        progress.apply(.result([1], Samples.result(451), time: 5_000_000, due: 400))
        #expect(progress.due(now: 99).isEmpty)
        #expect(progress.due(now: 100) == [0])
        #expect(progress.due(now: 400) == [0, 1])
        #expect(progress.nextDue == 100)
    }

    @Test func `a flush makes due what was tried before it`() {
        var progress = MessageProgress(recipients: 2)
        progress.apply(.result([0], Samples.result(451), time: 5, due: 100))
        progress.apply(.result([1], Samples.result(451), time: 9, due: 100))
        #expect(progress.due(now: 1, flush: 9) == [0])
    }

    @Test func `what is delivered stays delivered`() {
        var progress = MessageProgress(recipients: 1)
        progress.apply(.result([0], Samples.result(250), time: 1, due: nil))
        progress.apply(.result([0], Samples.result(550), time: 2, due: nil))
        #expect(progress.isFinished)
        #expect(progress.unreported.isEmpty)
    }

    @Test func `what failed is finished when it is bounced`() {
        var progress = MessageProgress(recipients: 2)
        progress.apply(.result([0], Samples.result(250), time: 1, due: nil))
        progress.apply(.result([1], Samples.result(550), time: 1, due: nil))
        #expect(!progress.isFinished)
        #expect(progress.unreported.map(\.recipient) == [1])
        #expect(progress.nextDue == nil)
        progress.apply(.bounced([1], dsn: nil))
        #expect(progress.isFinished)
        #expect(progress.reports(of: .failure) == 1)
    }

    @Test func `what is delivered and to be confirmed is finished when it is confirmed`() {
        var progress = MessageProgress(recipients: 2)
        var result = Samples.result(250)
        result.notice = .relayed
        progress.apply(.result([0, 1], result, time: 7, due: nil))
        #expect(progress.unconfirmed.map(\.recipient) == [0, 1])
        #expect(progress.owesReport && !progress.isFinished)
        progress.apply(.confirmed([0], dsn: Samples.id(2)))
        #expect(progress.unconfirmed.map(\.recipient) == [1])
        progress.apply(.confirmed([1], dsn: Samples.id(3)))
        #expect(progress.isFinished && !progress.owesReport)
        #expect(progress.reports(of: .success) == 2)
    }

    @Test func `the last attempt at a recipient is known`() {
        var progress = MessageProgress(recipients: 2)
        progress.apply(.result([0], Samples.result(451), time: 5, due: 100))
        progress.apply(.result([0], Samples.result(550), time: 9, due: nil))
        #expect(progress.attempts[0]?.time == 9)
        #expect(progress.attempts[0]?.result == Samples.result(550))
        #expect(progress.attempts[1] == nil)
        #expect(progress.pending == [1])
    }

    @Test func `what was not tried is no attempt`() {
        let silent = DeliveryResult(
            Reply(451, EnhancedStatus(4, 4, 1), "\(QueueRunner.silentText) (x)"))
        #expect(silent.isWithoutTry)
        #expect(QueueRunner.stoppedText.hasPrefix(DeliveryResult.notTried))
        var progress = MessageProgress(recipients: 2)
        progress.apply(.result([0], Samples.result(451), time: 5, due: 100))
        progress.apply(.result([0, 1], silent, time: 9, due: 200))
        #expect(progress.attempts[0]?.time == 5)
        #expect(progress.attempts[1]?.result == silent)
    }

    @Test func `a bounce of what did not fail changes nothing`() {
        var progress = MessageProgress(recipients: 1)
        progress.apply(.bounced([0], dsn: nil))
        #expect(progress.due(now: 0) == [0])
    }

    @Test func `recipients that do not exist are passed over`() {
        var progress = MessageProgress(recipients: 1)
        progress.apply(.result([7, 0], Samples.result(250), time: 1, due: nil))
        progress.apply(.bounced([99], dsn: nil))
        #expect(progress.isFinished)
    }

    @Test func `what was done for a recipient is kept until his end, whatever is lost between`() {
        var progress = MessageProgress(recipients: 2)
        progress.apply(.done(1, [Array("a".utf8), Array("b".utf8)]))
        progress.apply(.result([0, 1], Samples.result(451), time: 1, due: 2))
        progress.apply(.done(1, [Array("b".utf8), Array("c".utf8)]))
        progress.apply(.done(99, [Array("x".utf8)]))
        #expect(progress.done == [1: ["a", "b", "c"].map { Array($0.utf8) }])
        progress.apply(.result([1], Samples.result(250), time: 3, due: nil))
        #expect(progress.done.isEmpty)
    }

    @Test func `a message without recipients is finished`() {
        #expect(MessageProgress(recipients: 0).isFinished)
    }
}
