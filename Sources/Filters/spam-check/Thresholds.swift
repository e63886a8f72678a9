// Thresholds: from which score on something is done, and what.
// spam-check(8).
// SPDX-License-Identifier: MIT

import Control
import MailModel
import SpamScoring

/// What is done with a message, from the mildest to the strictest.
enum SpamAction: Int, Comparable {
    case pass
    case tag
    case `defer`
    case hold
    case reject
    case discard

    static func < (one: SpamAction, other: SpamAction) -> Bool { one.rawValue < other.rawValue }

    /// The word of the log and of note `spam`.
    func word(_ opinion: SpamOpinion) -> String {
        self == .pass ? opinion.isSkipped ? "skipped" : "no" : self == .defer ? "later" : "yes"
    }
}

/// A score, or what the server calls spam.
enum Threshold {
    case score(Double)
    case spam

    init?(_ bytes: [UInt8]) {
        if bytes.elementsEqual("spam".utf8) {
            self = .spam
        } else if let score = Score.read(bytes) {
            self = .score(score)
        } else {
            return nil
        }
    }

    func isReached(_ opinion: SpamOpinion) -> Bool {
        switch self {
        case .score(let score): opinion.score >= score
        case .spam: opinion.isSpam
        }
    }
}

/// The thresholds, and whether rspamd's own actions count.
struct Thresholds {
    /// The options, in the order in which their scores must rise.
    static let options: [(name: String, action: SpamAction)] = [
        ("tag", .tag), ("defer", .defer), ("reject", .reject), ("discard", .discard),
    ]

    private var limits: [(action: SpamAction, threshold: Threshold)] = []
    private let followsServer: Bool

    /// What the options say. Where nobody said whether rspamd's actions count, they do unless there
    /// is a threshold.
    init(_ options: Options, followsServer: Bool?) throws(UsageError) {
        var last = (name: "", score: -Score.limit)
        for (name, action) in Thresholds.options {
            let threshold = try options.read(name, "a score such as 5 or 7.5, or spam") {
                Threshold($0)
            }
            guard let threshold else { continue }
            if case .score(let score) = threshold {
                guard score >= last.score else {
                    throw UsageError("--\(name) is below --\(last.name), and stricter")
                }
                last = (name, score)
            }
            limits.append((action, threshold))
        }
        self.followsServer = followsServer ?? limits.isEmpty
        if !options.has("tag") { limits.append((.tag, .spam)) }
    }

    /// The strictest of what is due.
    func action(_ opinion: SpamOpinion) -> SpamAction {
        let reached = limits.filter { $0.threshold.isReached(opinion) }.map(\.action)
        return (reached + [served(opinion)]).max() ?? .pass
    }

    /// What rspamd wants. Without `--actions rspamd` that is only what no score says: a rule of
    /// its own decided, such as that of a virus or of a rate.
    private func served(_ opinion: SpamOpinion) -> SpamAction {
        switch opinion.action {
        case nil, .some(.none), .greylist: .pass
        case .addHeader, .rewriteSubject: followsServer ? .tag : .pass
        case .softReject: .defer
        case .reject: followsServer || opinion.score < opinion.required ? .reject : .pass
        case .quarantine: .hold
        case .discard: .discard
        }
    }
}
