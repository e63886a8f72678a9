// Errand: what throttle does instead of judging a message.
// throttle(8).
// SPDX-License-Identifier: MIT

import Control
import Counters
import FilterKit
import MailModel
import UnixIO

/// What the options ask for instead of a verdict.
enum Errand {
    /// Charge a failure.
    case failed
    /// Print the counters.
    case show
    /// Forget the counters of a key.
    case reset(String)
    /// Print what the limits would have done to what a log tells of.
    case simulate(String)

    static let options: [Usage.Option] = [
        .flag("failed", "charge a failure of the client, sender and so on of the options"),
        .flag("show", "print the counters"),
        .value("reset", "KEY", "forget the counters of a key, as --show prints it"),
        .value("simulate", "LOG", "print what the limits would have done; - is standard input"),
        .value("measure", "N", "decide N times first, and say how fast that was"),
    ]

    /// What is asked for; nil when a verdict is wanted.
    init?(_ setup: Setup, _ policy: Policy) throws(UsageError) {
        let options = setup.options
        var all: [(name: String, errand: Errand)] = []
        if options.has("failed") { all.append(("failed", .failed)) }
        if options.has("show") { all.append(("show", .show)) }
        if let key = options["reset"] { all.append(("reset", .reset(key))) }
        if let log = options["simulate"] { all.append(("simulate", .simulate(log))) }
        guard let first = all.first else { return nil }
        if all.count > 1 {
            throw UsageError("--\(first.name) and --\(all[1].name): one thing at a time")
        }
        guard setup.convention == .shell else {
            throw UsageError("--\(first.name) is for a shell: it judges no message")
        }
        if case .failed = first.errand, !policy.limits.contains(where: { $0.unit == .failures }) {
            throw UsageError("--failed: no limit counts failures")
        }
        self = first.errand
    }

    /// True when it is nothing without a limit.
    var needsLimits: Bool {
        switch self {
        case .failed, .simulate: true
        case .show, .reset: false
        }
    }

    /// Writes text to a descriptor.
    static func print(_ text: String, to number: Int32 = 1) throws(FilterError) {
        do throws(SystemError) {
            try Descriptor(rawValue: number).writeAll(Array(text.utf8), "standard output")
        } catch {
            throw FilterError(error, otherwise: .cannotWrite)
        }
    }
}

extension Throttle {
    /// Does it.
    func perform(_ errand: Errand) throws(FilterError) -> FilterExit {
        switch errand {
        case .failed: try charge(try failure())
        case .show: try Errand.print(try lines().joined())
        case .reset(let key): try reset(key)
        case .simulate(let log): try simulate(log)
        }
        return .accept
    }
}
