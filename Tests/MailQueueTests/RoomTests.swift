import MailModel
import Testing

@testable import MailQueue

@Suite struct AdmissionTests {
    private func seat(_ lane: Lane, _ channel: DeliveryChannel = .remote) -> Admission.Seat {
        Admission.Seat(channel: channel, lane: lane)
    }

    @Test func `what is doubtful fills half, and what is new comes in`() {
        var admission = Admission(limit: 100)
        while admission.admits(seat(.doubtful)) { admission.enter(seat(.doubtful)) }
        #expect(admission.count == 50)
        #expect(admission.admits(seat(.bulk)))
        #expect(admission.admits(seat(.ordinary)))
    }

    @Test func `a channel fills three quarters, and the other comes in`() {
        var admission = Admission(limit: 100)
        while admission.admits(seat(.ordinary)) { admission.enter(seat(.ordinary)) }
        #expect(admission.count == 75)
        #expect(!admission.admits(seat(.report)))
        #expect(admission.admits(seat(.small, .local)))
    }

    @Test func `whoever leaves makes room`() {
        var admission = Admission(limit: 1)
        admission.enter(seat(.ordinary))
        #expect(!admission.admits(seat(.report)))
        admission.leave(seat(.ordinary))
        #expect(admission.admits(seat(.report)))
    }
}

@Suite struct ParkingTests {
    private func row(_ name: String, _ precedence: Precedence = .ordinary) -> Parking.Row {
        Parking.Row(destination: .remote(Array("\(name).test".utf8)), precedence: precedence)
    }

    private func found(_ number: Int) -> FoundMessage {
        FoundMessage(id: Samples.id(UInt32(number)), place: .new)
    }

    @Test func `rows take turns, each in order`() {
        var parking = Parking()
        for number in 1...3 { #expect(parking.append(found(number), in: row("a")) == true) }
        #expect(parking.append(found(9), in: row("b")) == true)
        var order: [FoundMessage] = []
        while let next = parking.next(.ordinary, lookingAt: 10, where: { _ in true }) {
            order.append(next)
        }
        #expect(order == [found(1), found(9), found(2), found(3)])
        #expect(parking.isEmpty)
    }

    @Test func `a row that may not go on is passed by and keeps its messages`() {
        var parking = Parking()
        #expect(parking.append(found(1), in: row("a")) == true)
        #expect(parking.append(found(2), in: row("b")) == true)
        let next = parking.next(.ordinary, lookingAt: 10) { $0 == row("b") }
        #expect(next == found(2))
        #expect(parking.next(.ordinary, lookingAt: 10) { $0 == row("b") } == nil)
        #expect(parking.contains(found(1).id))
    }

    @Test func `a message is parked once`() {
        var parking = Parking()
        #expect(parking.append(found(1), in: row("a")) == true)
        #expect(parking.append(found(1), in: row("b")) == true)
        #expect(parking.count == 1)
    }

    @Test func `later attempts and large mail leave spaces for the rest`() {
        var parking = Parking(spaces: 8)
        let retried = (0..<8).filter { parking.append(found($0), in: row("a", .retried)) }
        #expect(retried.count == 4)
        let large = (10..<18).filter { parking.append(found($0), in: row("a", .large)) }
        #expect(large.count == 2)
        let rest = (20..<28).filter { parking.append(found($0), in: row("a", .report)) }
        #expect(rest.count == 2)
    }
}

@Suite struct OverflowTests {
    @Test func `buckets take a bounded number, and come back in order`() {
        var overflow = Overflow()
        var buckets: [Bucket] = []
        for _ in 0..<(Overflow.depth + 1) {
            let bucket = overflow.nextBucket(now: 1000)
            if buckets.last != bucket { buckets.append(bucket) }
        }
        #expect(buckets.map(\.moment) == [4608, 4672])
        #expect(overflow.takeFirst() == buckets[0])
        #expect(overflow.takeFirst() == buckets[1])
        #expect(overflow.isEmpty)
    }

    @Test func `a bucket whose moment has come takes no more`() {
        var overflow = Overflow()
        let first = overflow.nextBucket(now: 1000)
        let later = overflow.nextBucket(now: first.moment)
        #expect(later > first)
        #expect(later.moment > first.moment + 3500)
    }
}
