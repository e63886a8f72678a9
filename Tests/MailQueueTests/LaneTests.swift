import MailModel
import Testing

@testable import MailQueue

@Suite struct LaneTests {
    private let far = Destination.remote(Array("far.test".utf8))

    private func message(
        from sender: String = "a@b.test", recipients: Int = 1, length: Int = 1000
    ) throws -> QueuedMessage {
        var envelope = Envelope(reversePath: try ReversePath(Array(sender.utf8)))
        for number in 0..<recipients {
            envelope.append(try Mailbox(Array("r\(number)@far.test".utf8)), RecipientOptions())
        }
        return QueuedMessage(
            Samples.submission(envelope, length: length), arrival: Samples.now, submitter: "1 0")
    }

    @Test
    func `what is small and for us, or a report, comes first; what is large or for many last`()
        throws
    {
        #expect(try message().precedence(to: .local) == .small)
        #expect(try message(length: 65_536).precedence(to: .local) == .small)
        #expect(try message(length: 65_537).precedence(to: .local) == .ordinary)
        #expect(try message().precedence(to: far) == .ordinary)
        #expect(try message(from: "").precedence(to: far) == .report)
        #expect(try message(from: "#@[]").precedence(to: far) == .report)
        #expect(try message(from: "", length: 262_145).precedence(to: far) == .ordinary)
        #expect(try message(recipients: 50).precedence(to: .local) == .small)
        #expect(try message(recipients: 51).precedence(to: .local) == .large)
        #expect(try message(length: 1 << 20).precedence(to: far) == .ordinary)
        #expect(try message(length: 1 << 20 + 1).precedence(to: far) == .large)
        #expect(try message(from: "", recipients: 51).precedence(to: far) == .large)
    }

    @Test(arguments: [
        (Precedence.report, DestinationHealth.Standing.answering, Lane.report),
        (.report, .unknown, .ordinary), (.ordinary, .unknown, .other),
        (.ordinary, .answering, .ordinary), (.retried, .answering, .other),
        (.retried, .unknown, .doubtful), (.large, .unknown, .bulk), (.report, .failing, .doubtful),
    ])
    func `a destination that may not answer costs a delivery its rank`(
        precedence: Precedence, standing: DestinationHealth.Standing, lane: Lane
    ) {
        #expect(Lane(precedence, standing) == lane)
    }

    @Test(arguments: [
        (0, [0, 0, 0, 0, 0, 0]), (1, [1, 1, 1, 1, 1, 1]), (3, [3, 3, 3, 3, 3, 1]),
        (4, [4, 4, 3, 3, 2, 2]), (20, [20, 20, 18, 16, 14, 10]),
        (500, [500, 500, 450, 400, 350, 250]),
    ])
    func `each lane leaves room for those above it`(limit: Int, shares: [Int]) {
        #expect(Lane.allCases.map { $0.share(of: limit) } == shares)
    }

    @Test func `a lane's share holds for all below it together`() {
        var counts = LaneCounts()
        counts[.doubtful] = 10
        counts[.bulk] = 4
        #expect(!counts.hasRoom(in: .doubtful, limit: 20))
        #expect(!counts.hasRoom(in: .bulk, limit: 20))
        #expect(counts.hasRoom(in: .other, limit: 20))
        counts[.other] = 2
        #expect(!counts.hasRoom(in: .other, limit: 20))
        counts[.ordinary] = 2
        #expect(!counts.hasRoom(in: .ordinary, limit: 20))
        #expect(counts.hasRoom(in: .small, limit: 20))
        counts[.small] = 2
        #expect(!counts.hasRoom(in: .report, limit: 20))
    }
}

@Suite struct DestinationHealthTests {
    private let far = Destination.remote(Array("far.test".utf8))

    @Test func `pauses are doubled up to a quarter of an hour`() {
        var health = DestinationHealth()
        var now = 1000
        for pause in [60, 120, 240, 480, 900, 900] {
            #expect(health.failed(far, limit: 10, now: now, reason: "") == true)
            #expect(health.silence(of: far)?.until == now + pause)
            now += pause
        }
    }

    @Test func `deliveries that began together count as one failure`() {
        var health = DestinationHealth()
        for _ in 0..<10 { #expect(health.failed(far, limit: 10, now: 1000, reason: "") == true) }
        #expect(health.silence(of: far)?.until == 1060)
    }

    @Test
    func `one that answered gets half as many at once, and is left alone when one is too many`() {
        var health = DestinationHealth()
        health.answered(far, limit: 10)
        for window in [5, 2, 1] {
            #expect(health.failed(far, limit: 10, now: 1000, reason: "") == false)
            #expect(health.window(of: far, limit: 10) == window)
            #expect(health.standing(of: far) == .answering)
        }
        #expect(health.failed(far, limit: 10, now: 1000, reason: "") == true)
        #expect(health.standing(of: far) == .failing)
    }

    @Test func `after a pause the number at once grows with the successes`() {
        var health = DestinationHealth()
        _ = health.failed(far, limit: 4, now: 1000, reason: "")
        var windows: [Int] = []
        for _ in 0..<6 {
            health.answered(far, limit: 4)
            windows.append(health.window(of: far, limit: 4))
        }
        #expect(windows == [2, 2, 3, 3, 3, 4])
    }

    @Test func `it remembers a bounded number of destinations, the latest`() {
        var health = DestinationHealth()
        for number in 0...DestinationHealth.most {
            health.answered(.remote(Array("d\(number).test".utf8)), limit: 10)
        }
        #expect(health.count <= DestinationHealth.most / 2 + 1)
        #expect(health.standing(of: .remote(Array("d0.test".utf8))) == .unknown)
        let last = Destination.remote(Array("d\(DestinationHealth.most).test".utf8))
        #expect(health.standing(of: last) == .answering)
    }

    @Test func `what is ours always answers`() {
        var health = DestinationHealth()
        #expect(health.failed(.local, limit: 10, now: 1000, reason: "") == false)
        #expect(health.standing(of: .local) == .answering)
    }
}
