// RetrySchedule: when a deferred recipient is tried again, and when no more.
// queue-manager(8); qmail-send's nextretry.
// SPDX-License-Identifier: MIT

import Control
import MailModel

/// From one attempt to the next, as a function of the message's age. Times are seconds since 1970,
/// pauses seconds.
public struct RetrySchedule: Hashable, Sendable {
    /// The attempts of a channel.
    public enum Steps: Hashable, Sendable {
        /// The square root of the age grows by so much: with 20 attempts come at the ages 400,
        /// 1600, 3600 ...
        case quadratic(Int)
        /// The pauses after the first attempt, the second, and so on; the last one repeats. Never
        /// empty, and none is 0.
        case pauses([Int])
    }

    /// 7 days.
    public static let defaultLifetime = 604_800
    /// The longest lifetime: 100 years.
    public static let longestLifetime = 3_155_760_000

    /// For how long a message is tried; with 0 once.
    public var lifetime = defaultLifetime
    /// Local attempts.
    public var local = Steps.quadratic(10)
    /// Remote attempts.
    public var remote = Steps.quadratic(20)

    /// The schedule and lifetime of qmail.
    public init() {}

    /// The attempt after one at `now`, for a message that arrived at `arrival`. The last one is not
    /// later than the moment at which the lifetime is over.
    public func next(arrival: Int, now: Int, channel: DeliveryChannel) -> Int {
        let steps = channel == .local ? local : remote
        let next = arrival + steps.age(after: max(0, now - arrival))
        let end = arrival + lifetime + 1
        return now < end ? min(next, end) : next
    }

    /// True when an attempt at `now` is the last one.
    public func isLast(arrival: Int, now: Int) -> Bool {
        lifetime == 0 || now - arrival > lifetime
    }

    /// The whole part of the root. Ages over 100 years count as 100 years.
    static func squareRoot(_ number: Int) -> Int {
        let number = min(number, 3_200_000_000)
        var root = Int(Double(number).squareRoot())
        while root * root > number { root -= 1 }
        while (root + 1) * (root + 1) <= number { root += 1 }
        return root
    }
}

extension RetrySchedule.Steps {
    /// The age of the attempt after one at this age.
    func age(after age: Int) -> Int {
        switch self {
        case .quadratic(let step):
            let root = RetrySchedule.squareRoot(age) + step
            return root * root
        case .pauses(let pauses):
            var next = 0
            for pause in pauses {
                next += pause
                // An attempt that was late is not followed at once by the next one.
                if next - age >= (pause + 1) / 2 { return next }
            }
            return age + (pauses.last ?? 1)
        }
    }
}

extension RetrySchedule {
    /// Reads `queuelifetime` and `retryschedule`.
    /// - Throws: `ControlError`, for `retryschedule` with the line.
    init(_ control: ControlFolder) throws(ControlError) {
        if let seconds = try control.integer("queuelifetime") {
            lifetime = min(seconds, RetrySchedule.longestLifetime)
        }
        for line in try control.list(RetrySchedule.file) ?? [] {
            let words = line.bytes.split { $0 == 0x20 || $0 == 0x09 }
            guard let channel = words.first.map({ String(decoding: $0, as: UTF8.self) }),
                let steps = Steps(words.dropFirst())
            else { throw control.invalid(RetrySchedule.file, line.number, RetrySchedule.form) }
            switch channel {
            case "local": local = steps
            case "remote": remote = steps
            default: throw control.invalid(RetrySchedule.file, line.number, RetrySchedule.form)
            }
        }
    }

    private static let file = "retryschedule"
    private static let form =
        "not `local' or `remote' with either `quadratic' and a step from 1 to 1000, "
        + "or up to 50 pauses from 1s to 365d"
}

extension RetrySchedule.Steps {
    /// Reads `quadratic N`, or pauses such as `5m 15m 1h`; nil for anything else.
    fileprivate init?(_ words: ArraySlice<ArraySlice<UInt8>>) {
        guard let first = words.first else { return nil }
        if first.elementsEqual("quadratic".utf8) {
            guard words.count == 2, let step = words.last?.decimalValue, (1...1000).contains(step)
            else { return nil }
            self = .quadratic(step)
            return
        }
        let pauses = words.compactMap { Quantity.duration($0).map { Int($0.components.seconds) } }
        guard pauses.count == words.count, pauses.count <= 50,
            pauses.allSatisfy({ (1...31_536_000).contains($0) })
        else { return nil }
        self = .pauses(pauses)
    }
}
