import MailModel
import Testing

@testable import MailQueue

@Suite struct RetryScheduleTests {
    @Test(arguments: [
        (DeliveryChannel.local, [100, 400, 900, 1600, 2500]),
        (DeliveryChannel.remote, [400, 1600, 3600, 6400, 10_000]),
    ])
    func `attempts come at the squares of the steps`(channel: DeliveryChannel, ages: [Int]) {
        let schedule = RetrySchedule()
        var now = 1000
        for age in ages {
            now = schedule.next(arrival: 1000, now: now, channel: channel)
            #expect(now == 1000 + age)
        }
    }

    @Test func `an attempt that is late moves those after it`() {
        // The root of 450 is 21 and something; 41 squared is 1681.
        #expect(RetrySchedule().next(arrival: 0, now: 450, channel: .remote) == 1681)
    }

    @Test func `a clock that went back counts as no age`() {
        #expect(RetrySchedule().next(arrival: 5000, now: 10, channel: .local) == 5100)
    }

    @Test func `the last attempt is the first one after the lifetime`() {
        let schedule = RetrySchedule()
        #expect(!schedule.isLast(arrival: 0, now: 604_800))
        #expect(schedule.isLast(arrival: 0, now: 604_801))
    }

    @Test func `the last attempt comes as soon as the lifetime is over`() {
        var schedule = RetrySchedule()
        schedule.lifetime = 3000
        // 3600 without an end.
        #expect(schedule.next(arrival: 100, now: 1700, channel: .remote) == 3101)
        #expect(schedule.isLast(arrival: 100, now: 3101))
        // Nothing is moved into the past.
        #expect(schedule.next(arrival: 100, now: 3101, channel: .remote) > 3101)
    }

    @Test func `with a lifetime of 0 the first attempt is the last one`() {
        var schedule = RetrySchedule()
        schedule.lifetime = 0
        #expect(schedule.isLast(arrival: 1000, now: 1000))
    }

    @Test(arguments: [0, 1, 2, 3, 4, 99, 100, 101, 3_199_999_999, 3_200_000_000, Int.max])
    func `the root is the whole part`(number: Int) {
        let root = RetrySchedule.squareRoot(number)
        let counted = min(number, 3_200_000_000)
        #expect(root * root <= counted)
        #expect((root + 1) * (root + 1) > counted)
    }
}

@Suite struct BucketTests {
    @Test(arguments: [
        (0, "00000000", 0), (1, "00000001", 64), (64, "00000001", 64),
        (65, "00000002", 128), (1_795_472_000, "01ac12ea", 1_795_472_000), (-5, "00000000", 0),
        (Int.max, "ffffffff", 274_877_906_880),
    ])
    func `moments are rounded up to 64 seconds`(due: Int, name: String, moment: Int) {
        let bucket = Bucket(due: due)
        #expect(bucket.description == name)
        #expect(bucket.moment == moment)
        #expect(Bucket(name) == bucket)
    }

    @Test(arguments: [
        "", "1", "0000000", "000000001", "0000000A", "0000000g", "+0000001", "-0000001",
    ])
    func `other names are no buckets`(name: String) {
        #expect(Bucket(name) == nil)
    }
}
