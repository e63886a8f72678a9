// counters-example: a process of its own that charges limits, for tests and measurements.
// SPDX-License-Identifier: MIT

import Counters
import Glibc
import MailModel
import UnixIO
import Workers

/// `counters-example COMMAND STORE KEY RATE COUNT [TIME]`; STORE is a folder or the address of a
/// Redis server; TIME is in nanoseconds and stands still, in a folder.
///
/// Commands: `charge` charges COUNT times one unit and prints how many were admitted. `hold` writes
/// `holding` while it has the store to itself and never lets it go. `crash` dies by SIGSEGV in that
/// place. `map` charges COUNT different keys and prints how many were admitted. `pace` asks COUNT
/// times for a wait with steps of a second and prints the sum in seconds. `measure` prints
/// decisions per second of COUNT charges; `ask` prints requests per second of COUNT to a resident
/// filter, whose socket STORE is.
@main struct CountersExample {
    static func main() throws {
        let words = CommandLine.arguments.dropFirst()
        guard words.count >= 5, let rate = Rate(Array(words[4].utf8)), let count = Int(words[5])
        else { exit(55) }
        let example = CountersExample(
            command: words[1], folder: words[2], key: Array(words[3].utf8), rate: rate,
            count: count, time: words.count > 5 ? UInt64(words[6]) : nil)
        print(try example.run())
    }

    let command: String
    let folder: String
    let key: [UInt8]
    let rate: Rate
    let count: Int
    let time: UInt64?

    func run() throws -> String {
        if command == "ask" { return try asked() }
        let log = Log("counters-example")
        // Many processes at once on a loaded machine: no decision is late here.
        let store: any LimitStore =
            RedisAddress(folder).map { RedisStore($0, timeout: .seconds(20), log: log) }
            ?? CounterStore(folder: folder, log: log, clock: clock)
        switch command {
        case "charge", "hold", "crash": return "\(try admitted(store) { _ in key })"
        case "map": return "\(try admitted(store) { key + "\($0)".utf8 })"
        case "pace": return "\(try waited(store))"
        case "measure":
            let start = WallClock.microseconds
            _ = try admitted(store) { key + "\($0 % 1000)".utf8 }
            let time = WallClock.microseconds - start
            return "\(count * 1_000_000 / Int(max(1, time)))"
        default: exit(55)
        }
    }

    private func admitted(_ store: any LimitStore, key: (Int) -> [UInt8]) throws -> Int {
        var admitted = 0
        for number in 0..<count {
            let outcome = try store.charge([Charge(key(number), rate)], isTrial: false)
            if outcome.isCharged { admitted += 1 }
        }
        return admitted
    }

    private func waited(_ store: any LimitStore) throws -> UInt64 {
        var sum: UInt64 = 0
        for _ in 0..<count {
            let pacing = Pacing(step: 1000, most: Pacing.longest)
            let outcome = try store.charge([Charge(key, .pace(pacing))], isTrial: false)
            sum += outcome.waits[0] ?? 0
        }
        return (sum + 500) / 1000
    }

    private func asked() throws -> String {
        var facts = Facts()
        facts[.clientIP] = Array("192.0.2.1".utf8)
        let path = try ReversePath(Array("a@example.org".utf8))
        let request = FilterRequest(
            stage: .mail, facts: facts, envelope: Envelope(reversePath: path))
        let fields = request.fields
        let start = WallClock.microseconds
        for _ in 0..<count {
            _ = try Exchange.call(folder, fields, deadline: .after(.seconds(30)))
        }
        return "\(count * 1_000_000 / Int(max(1, WallClock.microseconds - start)))"
    }

    /// Is read while the store is ours.
    private func clock() -> UInt64 {
        switch command {
        case "hold":
            try? Descriptor(rawValue: 1).writeAll(Array("holding\n".utf8), "output")
            while true { pause() }
        case "crash":
            // A real fault comes again after its handler; so does this one.
            while true { kill(getpid(), SIGSEGV) }
        default: return time ?? WallClock.microseconds * 1000
        }
    }
}
