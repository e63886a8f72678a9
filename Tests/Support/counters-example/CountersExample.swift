// counters-example: a process of its own that charges limits, for tests and measurements.
// SPDX-License-Identifier: MIT

import Counters
import Glibc
import MailModel
import UnixIO

/// `counters-example COMMAND FOLDER KEY RATE COUNT [TIME]`; TIME is in nanoseconds and stands still.
///
/// Commands: `charge` charges COUNT times one unit and prints how many were admitted. `hold` writes
/// `holding` while it has the store to itself and never lets it go. `crash` dies by SIGSEGV in that
/// place. `map` charges COUNT different keys and prints how many were admitted. `measure` prints
/// decisions per second of COUNT charges.
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
        let store = CounterStore(folder: folder, log: Log("counters-example"), clock: clock)
        switch command {
        case "charge", "hold", "crash": return "\(try admitted(store) { _ in key })"
        case "map": return "\(try admitted(store) { key + "\($0)".utf8 })"
        case "measure":
            let start = WallClock.microseconds
            _ = try admitted(store) { key + "\($0 % 1000)".utf8 }
            let time = WallClock.microseconds - start
            return "\(count * 1_000_000 / Int(max(1, time)))"
        default: exit(55)
        }
    }

    private func admitted(_ store: CounterStore, key: (Int) -> [UInt8]) throws -> Int {
        var admitted = 0
        for number in 0..<count {
            let outcome = try store.charge([Charge(key(number), rate)])
            if outcome.isCharged { admitted += 1 }
        }
        return admitted
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
