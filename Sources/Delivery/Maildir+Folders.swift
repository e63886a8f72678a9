// Maildir+Folders: folders of a Maildir, and what others left in its tmp.
// Maildir++; https://cr.yp.to/proto/maildir.html
// SPDX-License-Identifier: MIT

import Glibc
import UnixIO

extension Maildir {
    /// How long a file in `tmp` that nobody touches may stay: 36 hours.
    static var abandonedAfter: Int { 36 * 3600 }
    /// The most names of `tmp` that are looked at after a delivery.
    private static var mostLookedAt: Int { 1000 }

    /// True for what is called like a folder of a Maildir: `Maildir/.Name`.
    var isFolder: Bool {
        guard let name = path.split(separator: "/").last else { return false }
        return name.hasPrefix(".") && name != "." && name != ".."
    }

    /// The Maildir whose quota counts: the one above for a folder that Maildir++ knows as one;
    /// nil for Trash, which does not count.
    var quotaRoot: Maildir? {
        get throws(SystemError) {
            guard isFolder, try isKnownFolder else { return self }
            if path.split(separator: "/").last == ".Trash" { return nil }
            return above
        }
    }

    /// True for a folder in a Maildir that has its mark, and for one that will get it. The mark
    /// alone says nothing: Dovecot puts one into every Maildir, also into `/home/alice/.maildir`.
    private var isKnownFolder: Bool {
        get throws(SystemError) {
            guard try Files.status("\(above.path)/cur") != nil else { return false }
            if try Files.status("\(path)/maildirfolder") != nil { return true }
            return try Files.status(path) == nil
        }
    }

    /// The Maildir that a folder is in.
    var above: Maildir { Maildir(Maildir.parent(of: path), base: base) }

    /// Marks a new folder of a Maildir as one, so that its messages count for the Maildir's quota.
    /// - Throws: `SystemError`.
    func markFolder() throws(SystemError) {
        guard isFolder, try Files.status("\(above.path)/cur") != nil else { return }
        let mark = "\(path)/maildirfolder"
        try Files.open(mark, O_WRONLY | O_CREAT | O_NOFOLLOW).close(mark)
    }

    /// Removes files of `tmp` that were neither read nor written for 36 hours: those of deliveries
    /// that were killed. What goes wrong does not matter; the next delivery looks again.
    func removeAbandoned(now: Int) {
        let folder = "\(path)/tmp"
        guard let names = try? Files.names(in: folder, most: Maildir.mostLookedAt) else { return }
        for name in names where !name.hasPrefix(".") {
            let file = "\(folder)/\(name)"
            var status = Glibc.stat()
            guard lstat(file, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { continue }
            let last = max(status.st_atim.tv_sec, status.st_mtim.tv_sec)
            let (age, overflow) = now.subtractingReportingOverflow(last)
            if !overflow, age > Maildir.abandonedAfter { try? Files.unlink(file) }
        }
    }
}
