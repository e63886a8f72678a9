// TLSReporter: keeps results for the domains that want to hear of them.
// tls-results(5); RFC 8460, section 3.
// SPDX-License-Identifier: MIT

import MailModel
import Resolver
import UnixIO

/// Records results. What cannot be recorded is said in the log, and changes nothing for mail.
final class TLSReporter {
    /// How long an answer counts.
    private static let memory = Duration.seconds(600)
    /// The most domains that are remembered.
    private static let maximumRemembered = 1000
    /// How long the DNS may take: it is mail that waits.
    private static let patience = Duration.seconds(5)

    private let resolver: Resolver
    private let store: TLSResultStore
    private let log: Log
    private var remembered: [String: (wants: Bool, until: Deadline)] = [:]

    init(_ resolver: Resolver, _ store: TLSResultStore, _ log: Log) {
        self.resolver = resolver
        self.store = store
        self.log = log
    }

    /// Counts a result.
    func record(_ result: TLSResult, _ domain: String) {
        guard HostName.isFit(domain), domain.utf8.count <= 240, wants(domain) else { return }
        do {
            try store.add(result, domain, now: WallClock.seconds)
        } catch {
            log.event("tls-result-lost", ["domain": domain, "error": "\(error)"])
        }
    }

    /// True where a domain says whom to tell.
    private func wants(_ domain: String) -> Bool {
        if let known = remembered[domain], !known.until.hasPassed { return known.wants }
        let found = try? resolver.txt(
            Array("_smtp._tls.\(domain)".utf8), deadline: .after(TLSReporter.patience))
        let records = (found?.values ?? []).filter { $0.starts(with: "v=TLSRPTv1".utf8) }
        let wants = records.count == 1
        if remembered.count >= TLSReporter.maximumRemembered { remembered = [:] }
        remembered[domain] = (wants, .after(TLSReporter.memory))
        return wants
    }
}
