// VirusEngine+Database: which folders hold signatures.
// https://docs.clamav.net/manual/Signatures.html
// SPDX-License-Identifier: MIT

import UnixIO

extension VirusEngine {
    /// Endings of files that hold signatures; lists of exceptions and the like are none.
    private static let endings: Set<Substring> = [
        "cvd", "cld", "cud", "db", "hdb", "hdu", "hsb", "hsu", "mdb", "mdu", "msb", "msu", "ndb",
        "ndu", "ldb", "ldu", "cdb", "idb", "zmd", "imp", "cbc", "yar", "yara",
    ]

    /// True when a folder can be read and holds a file of signatures, good or bad.
    public static func holdsSignatures(_ folder: String) -> Bool {
        let names = (try? Files.names(in: folder)) ?? []
        return names.contains { name in
            name.split(separator: ".").last.map { endings.contains($0) } ?? false
        }
    }
}
