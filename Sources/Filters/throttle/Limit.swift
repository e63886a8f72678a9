// Limit: what is allowed, and what follows when it is exceeded.
// throttle-limits(5).
// SPDX-License-Identifier: MIT

import Counters
import MailModel

/// What is done with a request over a limit.
enum LimitAction: Hashable, Sendable {
    case `defer`
    case reject
    case delay(Duration)
    /// A wait that grows by `step` with each request over the limit, up to `most`: milliseconds.
    case spamthrottle(step: UInt64, most: UInt64)
    case log

    /// True when the request does not pass.
    var refuses: Bool { self == .defer || self == .reject }

    /// The word of a limits file.
    var word: String {
        switch self {
        case .defer: "defer"
        case .reject: "reject"
        case .delay: "delay"
        case .spamthrottle: "spamthrottle"
        case .log: "log"
        }
    }
}

/// One limit.
struct Limit: Hashable, Sendable {
    let key: LimitKey
    let unit: LimitUnit
    let rate: Rate
    /// Whom it does not concern.
    let exceptions: Exceptions
    let action: LimitAction
    /// What a refused client is told.
    let text: String
    /// Key, unit and rate in one form: two limits that agree in these share their counters.
    let name: String
    /// The name and the NUL after it, which keys in the store begin with.
    let prefix: [UInt8]

    /// What an occasion does to this limit: one charge for each value of its key, and for one that
    /// asks for a wait another.
    func charges(_ occasion: Occasion) -> [Charge] {
        let lookup = unit == .failures && !occasion.isFailure
        let amount =
            lookup ? 1 : unit.amount(of: occasion, isPerRecipient: key.isPerRecipient)
        guard amount > 0, !exceptions.cover(occasion) else { return [] }
        let kind: Charge.Kind =
            if lookup {
                .look(rate, refuses: action.refuses)
            } else if occasion.isFailure {
                .record(rate, units: amount)
            } else {
                .take(rate, units: amount, refuses: action.refuses)
            }
        return key.values(of: occasion).flatMap { value in
            let charge = Charge(prefix + value, kind)
            guard case .spamthrottle(let step, let most) = action, !occasion.isFailure else {
                return [charge]
            }
            let pace = Charge.Kind.paceWhenOver(Pacing(stepNow: step, most: most))
            return [charge, Charge(CounterName("\(name) wait", value).bytes, pace)]
        }
    }

    /// The verdict on a request over this limit; nil when it passes all the same.
    var refusal: Verdict? {
        switch action {
        case .defer: .defer(EnhancedStatus(4, 7, 1), text)
        case .reject: .reject(EnhancedStatus(5, 7, 1), text)
        case .delay, .spamthrottle, .log: nil
        }
    }
}
