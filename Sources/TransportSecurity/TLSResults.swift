// TLSResults: how sessions with a domain went, counted, for a report to that domain.
// tls-results(5); RFC 8460, section 4.
// SPDX-License-Identifier: MIT

import Glibc
import MailModel
import TLS
import UnixIO

/// What can go wrong, in the words of a report. RFC 8460, section 4.3.
enum TLSFailure: String, CaseIterable {
    case startTLSNotSupported = "starttls-not-supported"
    case certificateHostMismatch = "certificate-host-mismatch"
    case certificateExpired = "certificate-expired"
    case certificateNotTrusted = "certificate-not-trusted"
    case validationFailure = "validation-failure"
    case tlsaInvalid = "tlsa-invalid"
    case dnssecInvalid = "dnssec-invalid"
    case daneRequired = "dane-required"
    case stsPolicyFetchError = "sts-policy-fetch-error"
    case stsPolicyInvalid = "sts-policy-invalid"
    case stsWebPKIInvalid = "sts-webpki-invalid"

    init(_ trouble: CertificateTrouble?) {
        switch trouble {
        case .outOfDate: self = .certificateExpired
        case .otherName: self = .certificateHostMismatch
        case .notTrusted, .missing: self = .certificateNotTrusted
        case .noMatch, nil: self = .validationFailure
        }
    }
}

/// The policy that a session was held to.
struct AppliedPolicy: Equatable {
    /// RFC 8460, section 4.4.
    enum Kind: String {
        case tlsa
        case sts
        case none = "no-policy-found"
    }

    static let none = AppliedPolicy(kind: .none, lines: [])

    let kind: Kind
    /// Its text.
    let lines: [String]
}

/// One session, or the attempt at one.
struct TLSResult: Equatable {
    var policy: AppliedPolicy
    /// Nil: it went well.
    var failure: TLSFailure?
    var host = "-"
    var address = "-"
}

/// The results of one day with one domain, as the text of its file.
struct TLSResultCounts: Equatable {
    static let mark = "chainmail-tls-results 1"
    /// The most counts; what comes later is counted without its host.
    static let maximumCounts = 1000
    /// The most lines of policies.
    static let maximumLines = 1000

    private var policies: [String] = []
    private var counts: [(key: String, count: Int)] = []

    /// Reads the text; what is no line of ours is left out.
    init(_ text: [UInt8] = []) {
        for line in text.split(separator: 0x0A) {
            let fields = line.split(separator: 0x09).map(\.printable)
            if fields.count == 3, fields[0] == "policy" {
                policies.append(fields[1...].joined(separator: "\t"))
            } else if fields.count == 6, fields[0] == "count",
                let count = fields[1].utf8.decimalValue
            {
                counts.append((fields[2...].joined(separator: "\t"), count))
            }
        }
    }

    mutating func add(_ result: TLSResult) {
        let kind = result.policy.kind.rawValue
        for line in result.policy.lines.map({ "\(kind)\t\($0)" })
        where !policies.contains(line) && policies.count < TLSResultCounts.maximumLines {
            policies.append(line)
        }
        let outcome = result.failure?.rawValue ?? "success"
        // Which host it was is only of interest where something went wrong.
        let place = result.failure == nil ? "-\t-" : "\(result.host)\t\(result.address)"
        add("\(kind)\t\(outcome)\t\(place)", or: "\(kind)\t\(outcome)\t-\t-")
    }

    private mutating func add(_ key: String, or other: String) {
        if let index = counts.firstIndex(where: { $0.key == key }) {
            counts[index].count = counts[index].count.addingReportingOverflow(1).partialValue
        } else if counts.count < TLSResultCounts.maximumCounts || key == other {
            // Of those without a host there are only as many as results and types.
            counts.append((key, 1))
        } else {
            add(other, or: other)
        }
    }

    var text: [UInt8] {
        var text = "\(TLSResultCounts.mark)\n"
        for policy in policies { text += "policy\t\(policy)\n" }
        for (key, count) in counts { text += "count\t\(count)\t\(key)\n" }
        return Array(text.utf8)
    }

    static func == (one: TLSResultCounts, other: TLSResultCounts) -> Bool {
        one.text == other.text
    }
}

/// A folder with a folder for each day, in UTC, and in that a file for each domain.
struct TLSResultStore {
    /// How many days are kept.
    static let days = 30
    /// The most bytes of a file.
    static let maximumSize = 4 << 20

    let folder: String

    /// Counts a result.
    /// - Throws: `SystemError`.
    func add(_ result: TLSResult, _ domain: String, now: Int) throws(SystemError) {
        let day = "\(folder)/\(TLSResultStore.day(now))"
        if try Files.status(day) == nil {
            try Files.makeFolders(day)
            tidy(now: now)
        }
        let path = "\(day)/\(domain)"
        let file = try Files.open(path, O_RDWR | O_CREAT)
        let number = file.number
        _ = try retrying("flock", path) { flock(number, LOCK_EX) }
        let old = try file.borrowed.readToEnd(path, limit: TLSResultStore.maximumSize)
        var counts = TLSResultCounts(old)
        counts.add(result)
        let new = counts.text
        try file.borrowed.writeAll(new, at: 0, path)
        _ = try retrying("ftruncate", path) { ftruncate(number, new.count) }
        withExtendedLifetime(file) {}
    }

    /// Removes the days that are over for long.
    func tidy(now: Int) {
        let oldest = TLSResultStore.day(now - TLSResultStore.days * 86_400)
        for name in (try? Files.names(in: folder)) ?? [] where name.utf8.count == 10 {
            guard name < oldest, name.utf8.allSatisfy({ $0.isASCIIDigit || $0 == 0x2D }) else {
                continue
            }
            for file in (try? Files.names(in: "\(folder)/\(name)")) ?? [] {
                try? Files.unlink("\(folder)/\(name)/\(file)")
            }
            try? Files.removeFolder("\(folder)/\(name)")
        }
    }

    /// `2026-11-26`, in UTC.
    static func day(_ seconds: Int) -> String {
        var moment = time_t(max(0, seconds))
        var parts = tm()
        gmtime_r(&moment, &parts)
        let two = { (number: Int32) in number < 10 ? "0\(number)" : "\(number)" }
        return "\(parts.tm_year + 1900)-\(two(parts.tm_mon + 1))-\(two(parts.tm_mday))"
    }
}
