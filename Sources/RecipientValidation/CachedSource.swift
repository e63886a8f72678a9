// CachedSource: a source that is asked over a network or a lock, behind a cache.
// rcpt-validate(8), --cache.
// SPDX-License-Identifier: MIT

import Control
import MailModel
import Recipients

/// How long answers are kept.
struct CacheTimes: Sendable {
    /// The most answers of one source that a process keeps.
    static let capacity = 4096

    /// Mailboxes that exist.
    var positive = Duration.seconds(60)
    /// Everything else that is known: it may be mended at any time.
    var negative = Duration.seconds(10)

    /// Reads `--cache T[/N]`; without N it is T, and 10 seconds at most.
    init(_ options: Options) throws(UsageError) {
        let form = "a duration such as 5m, or two such as 5m/10s"
        let given = try options.read("cache", form) { text -> (Duration, Duration)? in
            let parts = text.split(separator: 0x2F, maxSplits: 1, omittingEmptySubsequences: false)
            guard let first = parts.first.flatMap({ Quantity.duration($0) }) else { return nil }
            guard parts.count == 2 else { return (first, min(first, .seconds(10))) }
            return Quantity.duration(parts[1]).map { (first, $0) }
        }
        guard let given else { return }
        (positive, negative) = given
    }

    func time(for presence: Presence) -> Duration {
        if case .exists = presence { positive } else { negative }
    }
}

/// Answers what it was answered before. That a source could not say is never kept.
struct CachedSource: RecipientSource {
    private var source: any RecipientSource
    private let times: CacheTimes
    private var cache = AnswerCache<Presence>(capacity: CacheTimes.capacity)

    init(_ source: any RecipientSource, _ times: CacheTimes) {
        self.source = source
        self.times = times
    }

    var label: String { source.label }

    mutating func find(
        _ mailbox: Mailbox, _ trail: inout SourceTrail
    ) throws(SourceError) -> Presence {
        if let known = cache.value(for: mailbox.bytes) {
            trail.note("answered before, within --cache")
            return known
        }
        let presence = try source.find(mailbox, &trail)
        cache.keep(presence, for: mailbox.bytes, times.time(for: presence))
        return presence
    }
}
