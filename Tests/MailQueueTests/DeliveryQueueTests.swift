import MailModel
import Testing

@testable import MailQueue

@Suite struct DeliveryQueueTests {
    private let big = Destination.remote(Array("big.test".utf8))
    private let small = Destination.remote(Array("small.test".utf8))

    private func plan(_ destination: Destination, _ number: UInt32) -> PlannedDelivery {
        PlannedDelivery(message: Samples.id(number), destination: destination, recipients: [0])
    }

    private func queue(_ local: Int, _ remote: Int, _ perDestination: Int) -> DeliveryQueue {
        var limits = Concurrency()
        (limits.local, limits.remote) = (local, remote)
        limits.perDestination = perDestination
        return DeliveryQueue(limits)
    }

    @Test func `a destination never has more than its share`() {
        var queue = queue(5, 10, 2)
        for number in 1...5 { queue.append(plan(big, UInt32(number))) }
        let first = queue.next(on: .remote)
        #expect(first != nil)
        #expect(queue.next(on: .remote) != nil)
        #expect(queue.next(on: .remote) == nil)
        if let first { queue.ended(first) }
        #expect(queue.next(on: .remote) != nil)
        #expect(queue.next(on: .remote) == nil)
    }

    @Test func `destinations take turns`() {
        var queue = queue(5, 10, 10)
        for number in 1...4 { queue.append(plan(big, UInt32(number))) }
        queue.append(plan(small, 9))
        let order = (0..<3).compactMap { _ in queue.next(on: .remote)?.destination }
        #expect(order == [big, small, big])
    }

    @Test func `a channel never has more than its limit`() {
        var queue = queue(1, 2, 2)
        for number in 1...3 { queue.append(plan(.local, UInt32(number))) }
        for number in 1...3 { queue.append(plan(big, UInt32(number))) }
        #expect(queue.next(on: .local) != nil)
        #expect(queue.next(on: .local) == nil)
        #expect(queue.next(on: .remote) != nil)
    }

    @Test func `a limit of 0 stops a channel`() {
        var queue = queue(0, 0, 1)
        queue.append(plan(.local, 1))
        #expect(queue.next(on: .local) == nil)
    }

    @Test func `a destination that was emptied is passed by`() {
        var queue = queue(5, 10, 2)
        queue.append(plan(big, 1))
        queue.append(plan(small, 2))
        #expect(queue.removeWaiting(for: big).count == 1)
        #expect(queue.next(on: .remote)?.destination == small)
        #expect(queue.waiting(for: big) == 0)
    }

    @Test func `what fails is left alone, longer each time, and an answer ends it`() {
        var queue = queue(5, 10, 2)
        #expect(queue.failed(big, now: 1000, reason: "why") == true)
        #expect(queue.silence(of: big, now: 1059)?.reason == "why")
        #expect(queue.silence(of: big, now: 1060) == nil)
        #expect(queue.failed(big, now: 1060, reason: "why") == true)
        #expect(queue.silence(of: big, now: 1179)?.until == 1180)
        queue.answered(big)
        #expect(queue.silence(of: big, now: 1179) == nil)
        #expect(queue.silence(of: small, now: 1000) == nil)
    }

    @Test func `one delivery at a time sees whether a failing destination answers`() {
        var queue = queue(5, 10, 5)
        #expect(queue.failed(big, now: 1000, reason: "") == true)
        #expect(queue.silence(of: big, now: 2000) == nil, "nothing asks it yet")
        for number in 1...3 { queue.append(plan(big, UInt32(number))) }
        #expect(queue.silence(of: big, now: 2000) != nil, "one waits to ask it")
        let probe = queue.next(on: .remote)
        #expect(probe != nil)
        #expect(queue.next(on: .remote) == nil)
        #expect(queue.silence(of: big, now: 2000) != nil, "one asks it")
        if let probe { queue.ended(probe) }
        queue.answered(big)
        // It begins slowly: two at once after one success.
        #expect(queue.next(on: .remote) != nil)
        #expect(queue.next(on: .remote) != nil)
    }

    @Test func `a flush lets everything be tried`() {
        var queue = queue(5, 10, 5)
        #expect(queue.failed(big, now: 1000, reason: "") == true)
        queue.forgetSilence()
        #expect(queue.silence(of: big, now: 1001) == nil)
    }

    @Test func `every delivery comes out once, whatever the order of ends`() {
        var queue = queue(3, 4, 2)
        var expected: Set<QueueID> = []
        for number in 1...60 {
            let destination = [big, small, .local][number % 3]
            queue.append(plan(destination, UInt32(number)))
            expected.insert(Samples.id(UInt32(number)))
        }
        var running: [PlannedDelivery] = []
        var seen: Set<QueueID> = []
        while seen.count < 60 {
            for channel in DeliveryChannel.allCases {
                while let next = queue.next(on: channel) {
                    #expect(seen.insert(next.message).inserted)
                    running.append(next)
                }
            }
            guard !running.isEmpty else { break }
            queue.ended(running.remove(at: running.count / 2))
        }
        #expect(seen == expected)
    }
}

@Suite struct BacklogTests {
    @Test func `what went in comes out in order`() {
        var backlog = Backlog<Int>()
        var out: [Int] = []
        for number in 0..<500 {
            backlog.append(number)
            if number % 3 == 0, let first = backlog.popFirst() { out.append(first) }
        }
        while let first = backlog.popFirst() { out.append(first) }
        #expect(out == Array(0..<500))
        #expect(backlog.isEmpty)
    }
}
