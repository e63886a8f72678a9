// CounterError: why the store cannot say whether a limit is kept.
// throttle(8), section THE STORE.
// SPDX-License-Identifier: MIT

import CLMDB
import Glibc
import UnixIO

/// Not known: none of these says that a limit is exceeded, or that it is not.
public enum CounterError: Error, Equatable, CustomStringConvertible {
    /// A file or folder of the store cannot be used.
    case system(SystemError)
    /// LMDB's own words for something that should not happen.
    case library(call: String, String)
    /// The file is not what was written to it.
    case damaged(String)
    /// Every place is taken by keys that are not yet forgotten.
    case full
    /// The server of the counters cannot be asked.
    case lost(String)

    /// One line for the log.
    public var description: String {
        switch self {
        case .system(let error): "\(error)"
        case .library(let call, let words): "\(call): \(words)"
        case .damaged(let what): "damaged store: \(what)"
        case .full: "the store is full"
        case .lost(let why): "the store is lost: \(why)"
        }
    }

    /// The error behind a result of LMDB.
    init(_ call: String, _ path: String, code: Int32) {
        let words = mdb_strerror(code).map { String(cString: $0) } ?? "error \(code)"
        switch code {
        case MDB_MAP_FULL: self = .full
        case MDB_CORRUPTED, MDB_PAGE_NOTFOUND, MDB_INVALID, MDB_VERSION_MISMATCH, MDB_PANIC,
            MDB_INCOMPATIBLE, MDB_MAP_RESIZED, MDB_BAD_VALSIZE, MDB_BAD_DBI, MDB_CURSOR_FULL,
            MDB_PAGE_FULL:
            self = .damaged("\(call): \(words)")
        // What a damaged page makes LMDB ask of the kernel.
        case EINVAL, EFBIG: self = .damaged("\(call): \(words)")
        case 1...: self = .system(SystemError(call, path, .init(rawValue: code)))
        default: self = .library(call: call, words)
        }
    }
}
