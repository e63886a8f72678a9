// queue-example: fills a queue, plays the delivery agents, and measures mail through the manager.
// SPDX-License-Identifier: MIT

import Glibc
import MailModel
import MailQueue
import UnixIO
import Workers

/// `queue-example fill QUEUE COUNT DOMAINS FROM TO` puts COUNT messages, each tried once, for so
/// many domains of `dead.test` into buckets that are due FROM to TO seconds from now.
///
/// `queue-example agents RUN THREADS TIME` serves both agents' sockets: nobody at `dead.test` can
/// be reached, which takes TIME milliseconds; all else is delivered at once.
///
/// `queue-example mail QUEUE COUNT` puts COUNT messages for `living.test` into the queue, waits until
/// they are gone, and prints how many a second that was; then sends 50 alone, and prints the
/// median of the milliseconds that each took.
@main struct QueueExample {
    static func main() throws {
        let words = Array(CommandLine.arguments.dropFirst())
        let numbers = words.dropFirst(2).compactMap { Int($0) }
        switch (words.first, numbers.count) {
        case ("fill", 4): try QueueExample(queue: words[1]).fill(numbers)
        case ("agents", 2): try Agents(run: words[1], time: numbers[1]).serve(numbers[0])
        case ("mail", 1): try QueueExample(queue: words[1]).mail(numbers[0])
        default: exit(64)
        }
    }

    private let spool: Spool
    private let session = SessionID(microseconds: WallClock.microseconds, random: Random.bits)

    init(queue: String) throws { spool = try Spool(queue, makes: true) }

    private func submission(_ number: Int, to recipient: String) throws -> Submission {
        let session = SessionID(
            microseconds: session.message(0).microseconds,
            random: UInt64(truncatingIfNeeded: number))
        return Submission(
            id: session.message(1),
            envelope: Envelope(
                reversePath: try ReversePath(Array("alice@example.test".utf8)),
                recipients: [try Mailbox(Array(recipient.utf8))]),
            messageLength: QueueExample.text.count)
    }

    private static let text = Array(
        "From: alice@example.test\nSubject: test\n\n\(String(repeating: "x", count: 300))\n".utf8)

    private func fill(_ numbers: [Int]) throws {
        let (count, domains, from, to) = (numbers[0], numbers[1], numbers[2], numbers[3])
        let now = Int(WallClock.microseconds / 1_000_000)
        let reply = Reply(451, EnhancedStatus(4, 4, 1), "dead.test: connect: timed out")
        for number in 0..<count {
            let due = now + from + (to - from) * number / count
            // As after a few attempts.
            let arrival = UInt64(due - 10_000) * 1_000_000
            let tried = UInt64(due - 3_600) * 1_000_000
            let domain = "d\(number % domains).dead.test"
            try spool.place(
                submission(number, to: "bob@\(domain)"), bytes: QueueExample.text,
                arrival: arrival,
                records: [.result([0], DeliveryResult(reply, host: domain), time: tried, due: due)],
                at: .deferred(Bucket(due: due)))
        }
        sync()
    }

    private func mail(_ count: Int) throws {
        let begin = WallClock.microseconds
        for number in 0..<count { try send(number) }
        while try !isGone(count - 1) || !isNewEmpty() { usleep(5_000) }
        let time = Int(WallClock.microseconds - begin)
        var alone: [Int] = []
        for number in count..<(count + 50) {
            let begin = WallClock.microseconds
            try send(number)
            while try !isGone(number) { usleep(200) }
            alone.append(Int(WallClock.microseconds - begin))
        }
        let median = alone.sorted()[alone.count / 2]
        let most = alone.max() ?? 0
        print(count * 1_000_000 / max(1, time), median / 1000, most / 1000)
    }

    private func send(_ number: Int) throws {
        let submission = try submission(number, to: "bob@living.test")
        try spool.place(
            submission, bytes: QueueExample.text, arrival: WallClock.microseconds, records: [],
            at: .new)
        spool.pullTrigger(submission.id)
    }

    private func isGone(_ number: Int) throws -> Bool {
        let id = try submission(number, to: "bob@living.test").id
        return try Files.status("\(spool.path)/\(MessagePlace.new.path(id))") == nil
    }

    private func isNewEmpty() throws -> Bool {
        try Spool.shards.allSatisfy { shard in
            try Files.names(in: "\(spool.path)/new/\(shard)").isEmpty
        }
    }
}

/// Both agents, in threads that serve one request at a time.
struct Agents {
    let run: String
    let time: Int

    func serve(_ threads: Int) throws {
        for channel in DeliveryChannel.allCases {
            let path = "\(run)/deliver-\(channel.rawValue)"
            let listener = try UnixSocket.listen(at: path).take()
            for _ in 0..<threads {
                let place = Place(listener: listener, path: path, time: time)
                var thread = pthread_t()
                let body: @convention(c) (UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? = {
                    guard let pointer = $0 else { return nil }
                    Unmanaged<Place>.fromOpaque(pointer).takeRetainedValue().serve()
                    return nil
                }
                pthread_create(&thread, nil, body, Unmanaged.passRetained(place).toOpaque())
            }
        }
        while true { pause() }
    }
}

/// One thread.
private final class Place: Sendable {
    private let listener: Int32
    private let path: String
    private let time: Int

    init(listener: Int32, path: String, time: Int) {
        self.listener = listener
        self.path = path
        self.time = time
    }

    func serve() {
        while true {
            guard
                let connection = try? UnixSocket.accept(Descriptor(rawValue: listener), path),
                let received = try? Exchange.receive(on: connection, deadline: .after(.seconds(5))),
                let request = try? DeliveryRequest(received.fields)
            else { continue }
            let domain = String(decoding: request.domain ?? [], as: UTF8.self)
            let isDead = domain.hasSuffix("dead.test")
            if isDead { usleep(UInt32(time) * 1000) }
            let reply =
                isDead
                ? Reply(451, EnhancedStatus(4, 4, 1), "\(domain): connect: timed out")
                : Reply(250, EnhancedStatus(2, 0, 0), "ok")
            let answer = DeliveryReply(
                DeliveryResult(reply), count: request.envelope.recipients.count,
                isUnreachable: isDead)
            try? Exchange.send(answer.fields, on: connection, deadline: .after(.seconds(5)))
        }
    }
}
