// VirusEngine+Database: which folders hold signatures.
// https://docs.clamav.net/manual/Signatures.html
// SPDX-License-Identifier: MIT

import Glibc
import UnixIO

/// What the files of signatures in some folders are, without a look into them.
public struct SignatureFiles: Hashable, Sendable {
    private struct File: Hashable, Sendable {
        let path: String
        let inode: UInt
        let size: Int
        let seconds: Int
        let nanoseconds: Int
    }

    private let files: Set<File>

    /// The files as they are now; a folder that cannot be read has none.
    public init(in folders: [String]) {
        let paths = folders.flatMap { folder in
            ((try? Files.names(in: folder)) ?? []).filter(VirusEngine.isSignatureFile)
                .map { "\(folder)/\($0)" }
        }
        files = Set(
            paths.compactMap { path in
                guard let status = (try? Files.status(path)).flatMap(\.self) else { return nil }
                return File(
                    path: path, inode: status.st_ino, size: status.st_size,
                    seconds: status.st_mtim.tv_sec, nanoseconds: status.st_mtim.tv_nsec)
            })
    }
}

extension VirusEngine {
    /// Endings of files that hold signatures; lists of exceptions and the like are none.
    private static let endings: Set<Substring> = [
        "cvd", "cld", "cud", "db", "hdb", "hdu", "hsb", "hsu", "mdb", "mdu", "msb", "msu", "ndb",
        "ndu", "ldb", "ldu", "cdb", "idb", "zmd", "imp", "cbc", "yar", "yara",
    ]

    /// True when a folder can be read and holds a file of signatures, good or bad.
    public static func holdsSignatures(_ folder: String) -> Bool {
        ((try? Files.names(in: folder)) ?? []).contains(where: isSignatureFile)
    }

    static func isSignatureFile(_ name: String) -> Bool {
        name.split(separator: ".").last.map { endings.contains($0) } ?? false
    }
}
