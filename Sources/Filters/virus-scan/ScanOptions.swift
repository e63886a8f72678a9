// ScanOptions: the options of virus-scan, which its two programs share.
// virus-scan(8).
// SPDX-License-Identifier: MIT

import Control
import MailModel

/// What to do with a message in which a signature was found.
enum OnFound: String, CaseIterable, Sendable {
    case reject
    case discard
    case tag
}

/// What to do with a message that could not be looked into.
enum OnUnscannable: String, CaseIterable, Sendable {
    case `defer`
    case reject
    case tag
    /// Fails open: what nobody looked into passes as if it were clean.
    case accept
}

/// The options, read.
struct ScanOptions: Sendable {
    static let summary = "Looks for viruses with libclamav."
    static let declared: [Usage.Option] = [
        .value("database", "DIR", "the folder of signatures (/var/lib/clamav)"),
        .value("fallback-database", "DIR", "another, for when the first one holds none"),
        .value("pool", "SOCKET", "the socket of the resident virus-scan"),
        .value("max-size", "SIZE", "bytes looked at, unpacked ones too (100M)"),
        .value("max-files", "N", "parts and files of archives looked at (10000)"),
        .value("max-recursion", "N", "how deep they may be nested (17)"),
        .value("timeout", "T", "how long a scan may take (60s)"),
        .value("on-found", "ACTION", "reject (the default), discard or tag"),
        .value("on-unscannable", "ACTION", "defer (the default), reject, tag or accept"),
        .value("temporary", "DIR", "where archives are unpacked (TMPDIR, else /dev/shm)"),
        .root,
    ]

    let database: String
    let fallbackDatabase: String?
    let pool: String?
    let size: Int
    let files: Int
    let depth: Int
    let timeout: Duration
    let onFound: OnFound
    let onUnscannable: OnUnscannable

    init(_ options: Options) throws(UsageError) {
        database = options["database"] ?? "/var/lib/clamav"
        fallbackDatabase = options["fallback-database"]
        pool = options["pool"]
        size =
            try options.read("max-size", "a size from 1K to 1G") { text in
                Quantity.bytes(text).flatMap { (1 << 10...1 << 30).contains($0) ? $0 : nil }
            } ?? 100 << 20
        files = try options.integer("max-files", in: 1...1_000_000) ?? 10_000
        depth = try options.integer("max-recursion", in: 1...100) ?? 17
        timeout =
            try options.read("timeout", "a duration from 1s to 10m") { text in
                Quantity.duration(text).flatMap {
                    (.seconds(1)...Duration.seconds(600)).contains($0) ? $0 : nil
                }
            } ?? .seconds(60)
        onFound = try options.choice("on-found", OnFound.self) ?? .reject
        onUnscannable = try options.choice("on-unscannable", OnUnscannable.self) ?? .defer
    }
}
