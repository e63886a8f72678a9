// ScanResult: what a scan found, and what it could not look into.
// virus-scan(8).
// SPDX-License-Identifier: MIT

import CClamAV

/// The outcome of one scan.
public enum ScanResult: Hashable, Sendable {
    /// All of it was looked at and no signature matched.
    case clean
    /// A signature of this name matched.
    case found(String)
    /// Something could not be looked at, and nothing was found in the rest.
    case unscannable(String)
    /// The scan itself failed: nothing is known.
    case failed(String)

    /// What libclamav's result and name mean.
    init(_ code: cl_error_t, name: String?) {
        switch code {
        case CL_CLEAN: self = .clean
        case CL_VIRUS: self = ScanResult.named(name ?? "unnamed")
        case CL_ETIMEOUT: self = .unscannable("time")
        case CL_EMAXREC: self = .unscannable("depth")
        case CL_EMAXSIZE: self = .unscannable("size")
        case CL_EMAXFILES: self = .unscannable("files")
        default: self = .failed(String(cString: cl_strerror(code)))
        }
    }

    /// libclamav reports what it could not look at as alerts with names of their own; a signature
    /// that matches as well has precedence. Source: cli_append_potentially_unwanted, others.c.
    private static func named(_ name: String) -> ScanResult {
        let known: [(prefix: String, reason: String)] = [
            ("Heuristics.Encrypted.", "encrypted"),
            ("Heuristics.Limits.Exceeded.MaxScanTime", "time"),
            ("Heuristics.Limits.Exceeded.MaxRecursion", "depth"),
            ("Heuristics.Limits.Exceeded.MaxFiles", "files"),
            ("Heuristics.Limits.Exceeded.Email", "mail structure"),
            ("Heuristics.Limits.Exceeded.", "size"),
        ]
        // MaxFileSize begins like MaxFiles.
        if name.hasPrefix("Heuristics.Limits.Exceeded.MaxFileSize") { return .unscannable("size") }
        guard let match = known.first(where: { name.hasPrefix($0.prefix) }) else {
            return .found(name)
        }
        return .unscannable(match.reason)
    }
}

/// Why no scanner could be made.
public enum ScannerError: Error, Hashable, Sendable, CustomStringConvertible {
    /// A folder without a signature.
    case empty(String)
    /// What libclamav said, to which call, about what.
    case library(call: String, object: String, String)
    /// The folder for temporary files cannot be used.
    case temporaryFolder(String)

    /// One line for the log.
    public var description: String {
        switch self {
        case .empty(let folder): "no signatures in \(folder)"
        case .library(let call, let object, let words): "\(call) \(object): \(words)"
        case .temporaryFolder(let text): text
        }
    }
}
