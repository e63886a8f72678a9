// ScanResult: what a scan found, and what it could not look into.
// virus-scan(8).
// SPDX-License-Identifier: MIT

/// The outcome of one scan.
public enum ScanResult: Hashable, Sendable {
    /// All of it was looked at and no signature matched.
    case clean
    /// A signature of this name matched, or something that is blocked has this name.
    case found(String)
    /// Something could not be looked at, and nothing was found in the rest.
    case unscannable(String)
    /// The scan itself failed: nothing is known.
    case failed(String)

    /// The word that logs and notes use.
    public var word: String {
        switch self {
        case .clean: "clean"
        case .found: "found"
        case .unscannable: "unscannable"
        case .failed: "failed"
        }
    }

    /// True when there is a name.
    public var isFound: Bool { if case .found = self { true } else { false } }

    /// What an alert of ClamAV means. It reports what it could not look at as alerts with names of
    /// their own. Source: cli_append_potentially_unwanted, others.c.
    public init(alert name: String, blocks: Set<BlockedContent>) {
        if BlockedContent.encrypted.includes(name), !blocks.contains(.encrypted) {
            self = .unscannable("encrypted")
            return
        }
        let limits: [(name: String, reason: String)] = [
            // MaxFileSize begins like MaxFiles.
            ("MaxFileSize", "size"), ("MaxFiles", "files"), ("MaxScanTime", "time"),
            ("MaxRecursion", "depth"), ("Email", "mail structure"), ("", "size"),
        ]
        let limit = limits.first { name.hasPrefix("Heuristics.Limits.Exceeded.\($0.name)") }
        self = limit.map { .unscannable($0.reason) } ?? .found(name)
    }
}

/// What is no virus and may be refused all the same: `--block`.
public enum BlockedContent: String, CaseIterable, Sendable {
    /// What nobody can look into without a password.
    case encrypted
    /// Documents with macros of Visual Basic or Excel 4.
    case macros
    /// Links that show another host than the one they lead to.
    case phishing

    /// How ClamAV's names of it begin.
    private var prefix: String {
        switch self {
        case .encrypted: "Heuristics.Encrypted."
        case .macros: "Heuristics.OLE2.ContainsMacros"
        case .phishing: "Heuristics.Phishing."
        }
    }

    /// True when an alert of this name is about it.
    public func includes(_ name: String) -> Bool { name.hasPrefix(prefix) }

    /// What a client is told that a message holds.
    public var words: String {
        switch self {
        case .encrypted: "encrypted content"
        case .macros: "macros"
        case .phishing: "phishing"
        }
    }
}
