// ScanOptions: the options of virus-scan, which its two programs share.
// virus-scan(8).
// SPDX-License-Identifier: MIT

import Control
import MailModel
import Scanning

/// What to do with a message in which a signature was found.
enum OnFound: String, CaseIterable, Sendable {
    case reject
    case discard
    case tag
    case quarantine
}

/// What to do with a message that could not be looked into.
enum OnUnscannable: String, CaseIterable, Sendable {
    case `defer`
    case reject
    case tag
    /// Fails open: what nobody looked into passes as if it were clean.
    case accept
    case quarantine
}

/// The options, read.
struct ScanOptions: Sendable {
    static let summary = "Looks for viruses with libclamav or clamd."
    static let declared: [Usage.Option] = [
        .value("database", "DIR", "the folder of signatures (/var/lib/clamav)"),
        .value("fallback-database", "DIR", "another, for when the first one holds none"),
        .value("check-interval", "T", "how often to look for new signatures (10m; 0s: never)"),
        .values("clamd", "SOCKET|ADDRESS:PORT", "ask this clamd instead; several in order"),
        .value("pool", "SOCKET", "the socket of the resident virus-scan"),
        .value("max-size", "SIZE", "bytes looked at, unpacked ones too (100M)"),
        .value("max-files", "N", "parts and files of archives looked at (10000)"),
        .value("max-recursion", "N", "how deep they may be nested (17)"),
        .value("timeout", "T", "how long a scan may take (60s)"),
        .value("block", "KINDS", "refuse also: encrypted, macros, phishing"),
        .value("on-found", "ACTION", "reject (the default), discard, tag or quarantine"),
        .value(
            "on-unscannable", "ACTION", "defer (the default), reject, tag, quarantine or accept"),
        .value("quarantine", "DIR", "the folder of quarantine (quarantine in the spool folder)"),
        .flag("scanned-field", "add a field X-Virus-Scanned, and remove others"),
        .value("temporary", "DIR", "where archives are unpacked (TMPDIR, else /dev/shm)"),
        .root,
    ]

    /// What only libclamav takes from us; clamd has it in its own configuration.
    private static let ownEngine = [
        "database", "fallback-database", "check-interval", "max-files", "max-recursion",
        "temporary", "pool",
    ]

    let database: String
    let fallbackDatabase: String?
    let checkInterval: Duration?
    let clamd: [ClamdAddress]
    let pool: String?
    let limits: ScanLimits
    let blocks: Set<BlockedContent>
    let onFound: OnFound
    let onUnscannable: OnUnscannable
    let quarantine: String
    let addsField: Bool

    init(_ options: Options) throws(UsageError) {
        database = options["database"] ?? "/var/lib/clamav"
        fallbackDatabase = options["fallback-database"]
        let interval = try options.duration("check-interval") ?? .seconds(600)
        checkInterval = interval == .zero ? nil : interval
        clamd = try options.allBytes("clamd").map(ScanOptions.clamd)
        pool = options["pool"]
        limits = try ScanOptions.limits(options)
        blocks = try ScanOptions.blocks(options)
        onFound = try options.choice("on-found", OnFound.self) ?? .reject
        onUnscannable = try options.choice("on-unscannable", OnUnscannable.self) ?? .defer
        quarantine = options["quarantine"] ?? "\(Root(options).spool)/quarantine"
        addsField = options.has("scanned-field")
        if !clamd.isEmpty, let name = ScanOptions.ownEngine.first(where: options.has) {
            throw UsageError("--\(name) is not for --clamd, which has a configuration of its own")
        }
        if options.has("quarantine"), !usesQuarantine {
            throw UsageError("--quarantine is for --on-found or --on-unscannable quarantine")
        }
    }

    /// True when a message may be kept.
    var usesQuarantine: Bool { onFound == .quarantine || onUnscannable == .quarantine }

    private static func clamd(_ value: [UInt8]) throws(UsageError) -> ClamdAddress {
        guard let address = ClamdAddress(value) else {
            throw UsageError(
                "--clamd \(value.printable): not the path of a socket and not ADDRESS:PORT")
        }
        return address
    }

    private static func limits(_ options: Options) throws(UsageError) -> ScanLimits {
        var limits = ScanLimits()
        limits.size =
            try options.read("max-size", "a size from 1K to 1G") { text in
                Quantity.bytes(text).flatMap { (1 << 10...1 << 30).contains($0) ? $0 : nil }
            } ?? limits.size
        limits.files = try options.integer("max-files", in: 1...1_000_000) ?? limits.files
        limits.depth = try options.integer("max-recursion", in: 1...100) ?? limits.depth
        limits.time =
            try options.read("timeout", "a duration from 1s to 9m") { text in
                Quantity.duration(text).flatMap {
                    (.seconds(1)...Duration.seconds(540)).contains($0) ? $0 : nil
                }
            } ?? limits.time
        return limits
    }

    private static func blocks(_ options: Options) throws(UsageError) -> Set<BlockedContent> {
        let known = BlockedContent.allCases.map(\.rawValue).joined(separator: ", ")
        return try options.read("block", "a list of \(known)") { value in
            let words = value.split(separator: 0x2C, omittingEmptySubsequences: false)
            let kinds = words.map { BlockedContent(rawValue: String(decoding: $0, as: UTF8.self)) }
            return kinds.contains(nil) ? nil : Set(kinds.compactMap(\.self))
        } ?? []
    }
}
