// Action: which results refuse, and every reply that spf-check gives.
// RFC 7208, section 8; RFC 7372, section 3.2.
// SPDX-License-Identifier: MIT

import Control
import MailModel
import SenderPolicy

struct Action {
    private let rejected: Set<SPFResult>
    private let deferred: Set<SPFResult>
    /// True when nothing is checked at all.
    let isOff: Bool

    /// What qmail's levels of `spfbehavior` reject. From 2 on they defer temperror; 0 is off.
    private static let behaviors: [Set<SPFResult>] = [
        [], [], [], [.fail], [.fail, .softfail], [.fail, .softfail, .neutral],
        [.fail, .softfail, .neutral, .none, .permerror],
    ]

    /// Reads `--reject` and `--defer`, or `--behavior`.
    init(_ options: Options) throws(UsageError) {
        if let level = try options.integer("behavior", in: 0...Action.behaviors.count - 1) {
            guard !options.has("reject"), !options.has("defer") else {
                throw UsageError("--behavior says what --reject and --defer say: give one of them")
            }
            isOff = level == 0
            rejected = Action.behaviors[level]
            deferred = level >= 2 ? [.temperror] : []
            return
        }
        isOff = false
        rejected = try Action.results(options, "reject") ?? [.fail]
        let standard: Set<SPFResult> = rejected.contains(.temperror) ? [] : [.temperror]
        deferred = try Action.results(options, "defer") ?? standard
        if let both = rejected.intersection(deferred).first {
            throw UsageError("--reject and --defer both name \(both.rawValue)")
        }
    }

    /// Results divided by commas; an empty text is none.
    private static func results(
        _ options: Options, _ name: String
    ) throws(UsageError) -> Set<SPFResult>? {
        let known = SPFResult.allCases.filter { $0 != .pass }
        let form = "a list of \(known.map(\.rawValue).joined(separator: ","))"
        return try options.read(name, form) { text in
            let words = text.split(separator: 0x2C).map { String(decoding: $0, as: UTF8.self) }
            let results = words.compactMap { word in known.first { $0.rawValue == word } }
            return results.count == words.count ? Set(results) : nil
        }
    }

    /// The verdict on a result that is named in a list; nil for any other.
    func refusal(_ finding: SPFFinding) -> Verdict? {
        if rejected.contains(finding.result) { return .reject(Action.reply(finding, 550, 5)) }
        if deferred.contains(finding.result) { return .defer(Action.reply(finding, 451, 4)) }
        return nil
    }

    private static func reply(_ finding: SPFFinding, _ code: UInt16, _ statusClass: UInt8) -> Reply
    {
        let domain = finding.question.domain.printable
        let client = finding.question.client
        let (detail, text): (UInt16, String) =
            switch finding.result {
            case .fail where finding.isLocal:
                (23, "SPF fail: \(client) may not send mail of \(domain) by local policy")
            // Section 6.2: it must be clear whose words these are.
            case .fail where finding.explanation != nil:
                (23, "SPF fail; \(domain) explains: \(finding.explanation ?? "")")
            case .fail: (23, "SPF fail: \(domain) does not let \(client) send its mail")
            case .softfail:
                (23, "SPF softfail: \(domain) does not expect \(client) to send its mail")
            case .neutral:
                (23, "SPF neutral: \(domain) does not say whether \(client) may send its mail")
            case .none: (23, "SPF none: \(domain) does not say who may send its mail")
            case .permerror: (24, "SPF permerror at \(domain): \(finding.problem ?? "")")
            case .temperror: (24, "SPF temperror at \(domain): \(finding.problem ?? "")")
            case .pass: (23, "SPF pass")
            }
        // Domains and their words are bytes of strangers, replies are ASCII.
        let ascii = text.utf8.map { $0 < 0x80 ? $0 : 0x3F }
        return Reply(
            code, EnhancedStatus(statusClass, 7, detail), String(decoding: ascii, as: UTF8.self))
    }
}
