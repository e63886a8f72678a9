// Decision: what the charges of one request come to, at one moment.
// throttle-limits(5).
// SPDX-License-Identifier: MIT

/// The outcome of a request, and the meters that are to be stored for it.
struct Decision {
    private(set) var outcome = ChargeOutcome(over: [], isCharged: false)
    /// Meters to store when the request is charged, by their keys in the store.
    private(set) var written: [(key: [UInt8], meter: Meter)] = []
    /// Meters that were further ahead than a burst, cut to it: the clock was set back. They are to
    /// be stored whatever is decided, and then it is to be decided again.
    private(set) var cut: [(key: [UInt8], meter: Meter)] = []
    /// How many of those that are written were not there.
    private(set) var added = 0
    private(set) var isRefused = false
    private let time: UInt128
    /// What `written` holds last under each key, when there is more than one charge.
    private var latest: [[UInt8]: Meter] = [:]

    /// Decides for a time as `Meter.time` has it. `read` says what is stored under a key of the
    /// store.
    /// - Throws: what `read` throws.
    init<Failure: Error>(
        _ charges: [Charge], at time: UInt128, read: ([UInt8]) throws(Failure) -> Meter?
    ) throws(Failure) {
        self.time = time
        for (index, charge) in charges.enumerated() {
            switch charge.kind {
            case .take(_, 0, _), .record(_, 0): continue
            case .paceWhenOver where outcome.over.last != index - 1: continue
            default: break
            }
            let key = Record.key(charge.key)
            var stored = latest[key]
            if stored == nil { stored = try read(key) }
            let count = written.count
            decide(index, charge, key, stored)
            if charges.count > 1, written.count > count { latest[key] = written[count].meter }
            if charge.refuses, outcome.over.last == index { isRefused = true }
        }
    }

    /// The outcome of having stored what is to be written.
    var charged: ChargeOutcome {
        var outcome = outcome
        outcome.isCharged = true
        return outcome
    }

    private mutating func decide(
        _ index: Int, _ charge: Charge, _ key: [UInt8], _ stored: Meter?
    ) {
        switch charge.kind {
        case .take(let rate, let units, _):
            if let less = stored?.cut(at: time, rate: rate) { cut.append((key, less)) }
            if let meter = Meter.charged(stored, units, at: time, rate: rate) {
                write(key, meter, stored)
            } else {
                outcome.over.append(index)
            }
        case .look(let rate, _):
            if let less = stored?.cut(at: time, rate: rate) { cut.append((key, less)) }
            if Meter.charged(stored, 1, at: time, rate: rate) == nil { outcome.over.append(index) }
        case .record(let rate, let units):
            write(key, Meter.recorded(stored, units, at: time, rate: rate), stored)
        case .pace(let pacing), .paceWhenOver(let pacing):
            let (wait, meter) = Meter.paced(stored, at: time, pacing)
            write(key, meter, stored)
            let millisecond = Meter.microsecond * 1000
            outcome.waits[index] = UInt64((wait + millisecond - 1) / millisecond)
        }
    }

    private mutating func write(_ key: [UInt8], _ meter: Meter, _ stored: Meter?) {
        written.append((key, meter))
        added += stored == nil ? 1 : 0
    }
}
