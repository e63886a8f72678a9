// ScannerError: why no scanner could be made, and what libclamav's results mean.
// clamav.h, libclamav 1.4.
// SPDX-License-Identifier: MIT

import CClamAV
import Scanning

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

extension ScanResult {
    /// What libclamav's result and name mean.
    init(_ code: cl_error_t, name: String?, blocks: Set<BlockedContent>) {
        switch code {
        case CL_CLEAN: self = .clean
        case CL_VIRUS: self.init(alert: name ?? "unnamed", blocks: blocks)
        case CL_ETIMEOUT: self = .unscannable("time")
        case CL_EMAXREC: self = .unscannable("depth")
        case CL_EMAXSIZE: self = .unscannable("size")
        case CL_EMAXFILES: self = .unscannable("files")
        default: self = .failed(String(cString: cl_strerror(code)))
        }
    }
}
