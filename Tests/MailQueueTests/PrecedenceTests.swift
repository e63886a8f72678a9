import MailModel
import Testing

@testable import MailQueue

/// Which delivery begins next, where they are not worth the same.
@Suite struct PrecedenceTests {
    private let big = Destination.remote(Array("big.test".utf8))

    private func site(_ number: Int) -> Destination { .remote(Array("d\(number).test".utf8)) }

    private func plan(
        _ destination: Destination, _ number: Int, _ precedence: Precedence
    ) -> PlannedDelivery {
        PlannedDelivery(
            message: Samples.id(UInt32(number)), destination: destination, recipients: [0],
            precedence: precedence)
    }

    private func queue(remote: Int = 20, perDestination: Int = 10) -> DeliveryQueue {
        var limits = Concurrency()
        limits.remote = remote
        limits.perDestination = perDestination
        return DeliveryQueue(limits)
    }

    private func begin(_ queue: inout DeliveryQueue, _ channel: DeliveryChannel = .remote) -> [Int]
    {
        var begun: [Int] = []
        while let next = queue.next(on: channel) {
            begun.append(next.message.number)
        }
        return begun
    }

    @Test func `however much large mail there is, reports and small local mail begin at once`() {
        var queue = queue()
        for number in 0..<1000 {
            queue.append(plan(.local, number, .large))
            queue.append(plan(site(number), number, .large))
        }
        #expect(begin(&queue).count == 14)
        #expect(begin(&queue, .local).count == 14)
        queue.answered(big)
        queue.append(plan(big, 2000, .report))
        queue.append(plan(.local, 2001, .small))
        #expect(begin(&queue) == [2000])
        #expect(begin(&queue, .local) == [2001])
    }

    @Test func `large mail to one destination leaves room there too`() {
        var queue = queue()
        queue.answered(big)
        for number in 0..<100 { queue.append(plan(big, number, .large)) }
        #expect(begin(&queue).count == 8)
        queue.append(plan(big, 200, .report))
        queue.append(plan(big, 201, .ordinary))
        #expect(begin(&queue) == [200, 201])
    }

    @Test func `destinations that may be dead have half of the room, those that answer the rest`() {
        var queue = queue()
        for number in 0..<1000 { queue.append(plan(site(number), number, .retried)) }
        #expect(begin(&queue).count == 10)
        queue.answered(big)
        for number in 2000..<2020 { queue.append(plan(big, number, .ordinary)) }
        #expect(begin(&queue).count == 8)
    }

    @Test func `what is worth more begins first, but not for ever`() {
        var queue = queue(remote: 1)
        queue.answered(big)
        for number in 0..<100 { queue.append(plan(big, number, .report)) }
        queue.append(plan(big, 500, .large))
        queue.append(plan(big, 501, .large))
        var order: [Int] = []
        for _ in 0..<8 {
            guard let next = queue.next(on: .remote) else { break }
            order.append(next.message.number)
            queue.ended(next)
        }
        #expect(order == [0, 1, 2, 500, 3, 4, 5, 501])
    }

    @Test func `what waits changes its lane with its destination`() {
        var queue = queue(remote: 4)
        queue.append(plan(big, 1, .retried))
        queue.append(plan(site(1), 2, .retried))
        queue.append(plan(site(2), 3, .retried))
        #expect(begin(&queue) == [1, 2], "half of 4 for what is doubtful")
        queue.answered(site(2))
        #expect(begin(&queue) == [3])
    }

    @Test func `a domain may have a limit of its own`() throws {
        let stage = try QueueStage()
        try stage.folder.write(
            "etc/control/concurrencydestination", "# ours\n3\n.slow.test:1\nstop.test:0\n")
        var queue = DeliveryQueue(try Concurrency(stage.root.control))
        for (index, name) in ["far.test", "a.slow.test", "slow.test", "stop.test"].enumerated() {
            for number in 0..<5 {
                queue.append(plan(.remote(Array(name.utf8)), index * 10 + number, .ordinary))
            }
        }
        #expect(begin(&queue).sorted() == [0, 1, 2, 10, 20, 21, 22])
    }

    @Test func `limits that are raised hold at once`() {
        var queue = queue(remote: 2, perDestination: 1)
        for number in 0..<10 { queue.append(plan(big, number, .ordinary)) }
        #expect(begin(&queue).count == 1)
        queue.limits.perDestination = 3
        #expect(begin(&queue).count == 1)
        queue.limits.remote = 20
        #expect(begin(&queue).count == 1)
    }

    @Test func `a connection is used again, until others have waited long enough`() {
        var queue = queue(remote: 2, perDestination: 1)
        for number in 0..<30 { queue.append(plan(big, number, .ordinary)) }
        guard var last = queue.next(on: .remote) else {
            Issue.record("nothing began")
            return
        }
        for run in 1...12 {
            queue.ended(last)
            guard let next = queue.next(for: big, run: run) else {
                Issue.record("nobody else waits, and yet the connection is let go after \(run)")
                return
            }
            #expect(next.destination == big)
            last = next
        }
        queue.append(plan(site(1), 100, .ordinary))
        queue.ended(last)
        #expect(queue.next(for: big, run: 13) == nil)
        #expect(begin(&queue).contains(100))
    }
}

extension QueueID {
    /// The message's number in its session.
    fileprivate var number: Int { Int(description.split(separator: "-").last ?? "") ?? -1 }
}
