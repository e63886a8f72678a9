// STSSource: the policy of a domain, as announced, fetched and kept.
// RFC 8461, sections 3.3 and 5.1.
// SPDX-License-Identifier: MIT

import Control
import Glibc
import MailModel
import Resolver
import UnixIO

/// What is known of the policy of a domain.
enum STSFinding: Equatable {
    /// There is none.
    case nothing
    /// It holds now.
    case policy(STSPolicy)
    /// One is announced, or may be, that we could not get, and none is kept; with what to report.
    case unknown(TLSFailure?)
}

/// Finds policies. One process asks at a time; others may do the same at the same moment.
final class STSSource {
    /// After a fetch that failed there is none for so many seconds. RFC 8461, section 3.3.
    static let pause = 300
    /// A policy that is announced as before is fetched again after so many seconds at the latest.
    static let longestRest = 86_400
    /// How long a finding counts in this process.
    private static let memory = Duration.seconds(30)
    /// The most domains that are remembered.
    private static let maximumRemembered = 1000

    private let resolver: Resolver
    private let store: STSStore
    private let fetcher: STSFetcher
    private let log: Log
    private var remembered: [String: (finding: STSFinding, until: Deadline)] = [:]

    init(_ resolver: Resolver, _ store: STSStore, _ fetcher: STSFetcher, _ log: Log) {
        self.resolver = resolver
        self.store = store
        self.fetcher = fetcher
        self.log = log
    }

    /// What is known of a domain.
    func find(_ domain: String, deadline: Deadline) -> STSFinding {
        guard HostName.isFit(domain), domain.utf8.count <= 244 else { return .nothing }
        if let known = remembered[domain], !known.until.hasPassed { return known.finding }
        let finding = look(domain, deadline)
        if remembered.count >= STSSource.maximumRemembered { remembered = [:] }
        remembered[domain] = (finding, .after(STSSource.memory))
        return finding
    }

    private func look(_ domain: String, _ deadline: Deadline) -> STSFinding {
        let now = WallClock.seconds
        let record = store.record(of: domain)
        let kept = record?.policy(at: now)
        let id: String?
        do throws(ResolverError) {
            let found = try resolver.txt(Array("_mta-sts.\(domain)".utf8), deadline: deadline)
            id = STSPolicy.announced(found.values)
        } catch {
            log.event("sts-unknown", ["domain": domain, "error": "\(error)"])
            return kept.map { .policy($0) } ?? .unknown(nil)
        }
        // A policy that was seen holds to its end, whatever is announced since then or not:
        // whoever can forge the DNS must not be able to end it.
        guard let id else { return kept.map { .policy($0) } ?? .nothing }
        if let kept, let record, record.id == id,
            now - record.fetched < min(kept.maximumAge / 2, STSSource.longestRest)
        {
            return .policy(kept)
        }
        if let record, (0..<STSSource.pause).contains(now - record.failed) {
            return kept.map { .policy($0) } ?? .unknown(nil)
        }
        return fetch(domain, id, record, kept, deadline)
    }

    private func fetch(
        _ domain: String, _ id: String, _ record: STSRecord?, _ kept: STSPolicy?,
        _ deadline: Deadline
    ) -> STSFinding {
        let now = WallClock.seconds
        do throws(STSFetchError) {
            let text = try fetcher.policy(of: domain, deadline: deadline)
            let policy: STSPolicy
            do throws(STSError) {
                policy = try STSPolicy(text)
            } catch {
                throw .invalid("\(error)")
            }
            keep(STSRecord(id: id, fetched: now, failed: 0, text: text), domain)
            log.event(
                "sts-policy",
                [
                    "domain": domain, "id": id, "mode": policy.mode.rawValue,
                    "max-age": "\(policy.maximumAge)",
                ])
            return .policy(policy)
        } catch {
            log.event(
                "sts-fetch-failed",
                [
                    "domain": domain, "id": id, "kept": kept == nil ? "no" : "yes",
                    "error": "\(error)",
                ])
            var failed = record ?? STSRecord()
            failed.failed = now
            keep(failed, domain)
            return kept.map { .policy($0) } ?? .unknown(error.failure)
        }
    }

    private func keep(_ record: STSRecord, _ domain: String) {
        do {
            try store.keep(record, of: domain)
        } catch {
            // The policy counts for now; the next process will ask again.
            log.event("sts-not-kept", ["domain": domain, "error": "\(error)"])
        }
    }
}
