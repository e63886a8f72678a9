// STSStore: policies of MTA-STS on disk, so that one that was seen holds until its time is over.
// RFC 8461, sections 5.1 and 10.2.
// SPDX-License-Identifier: MIT

import Glibc
import MailModel
import UnixIO

/// What is kept of a domain.
struct STSRecord: Equatable {
    /// The id under which the policy was announced; empty where there is no policy.
    var id = ""
    /// When it was fetched, in seconds since 1970.
    var fetched = 0
    /// When a fetch last failed.
    var failed = 0
    /// The policy as it came; empty where there is none.
    var text: [UInt8] = []

    /// The policy, as long as it holds.
    func policy(at now: Int) -> STSPolicy? {
        guard !text.isEmpty, let policy = try? STSPolicy(text) else { return nil }
        return fetched.addingReportingOverflow(policy.maximumAge).partialValue > now ? policy : nil
    }
}

/// A folder with a file for each domain. Writers do not wait for each other: the last one wins, and
/// a reader sees a whole file or none.
struct STSStore {
    /// The most bytes of a policy. RFC 8461, section 3.3.
    static let maximumSize = 65_536
    private static let mark = "chainmail-mta-sts 1\n"

    let folder: String

    /// What is kept; nil where there is nothing, or nothing that can be read.
    func record(of domain: String) -> STSRecord? {
        let path = "\(folder)/\(domain)"
        guard let bytes = try? Files.contents(of: path, limit: STSStore.maximumSize + 1000),
            bytes.starts(with: STSStore.mark.utf8)
        else { return nil }
        var record = STSRecord()
        var rest = bytes.dropFirst(STSStore.mark.utf8.count)
        while let end = rest.firstIndex(of: 0x0A) {
            let line = rest[..<end]
            rest = rest[(end + 1)...]
            guard !line.isEmpty else {
                record.text = Array(rest)
                return record
            }
            let words = line.split(separator: 0x20, maxSplits: 1)
            guard words.count == 2 else { return nil }
            switch words[0].printable {
            case "id": record.id = words[1].printable
            case "fetched": record.fetched = words[1].decimalValue ?? 0
            case "failed": record.failed = words[1].decimalValue ?? 0
            default: return nil
            }
        }
        return nil
    }

    /// Keeps a record.
    /// - Throws: `SystemError`; what was kept before is still there then.
    func keep(_ record: STSRecord, of domain: String) throws(SystemError) {
        try Files.makeFolders(folder)
        let name = ".new.\(getpid())"
        let path = "\(folder)/\(name)"
        let id = record.id.isEmpty ? "" : "id \(record.id)\n"
        let head = "\(id)fetched \(record.fetched)\nfailed \(record.failed)\n\n"
        do throws(SystemError) {
            let file = try Files.open(path, O_WRONLY | O_CREAT | O_TRUNC)
            try file.borrowed.writeAll(
                Array(STSStore.mark.utf8) + Array(head.utf8) + record.text, path)
            // A policy that is lost with the power would let mail go with less than it was before.
            try file.borrowed.syncData(path)
            try file.close(path)
            try Files.rename(path, to: "\(folder)/\(domain)")
        } catch {
            try? Files.unlink(path)
            throw error
        }
    }

    /// Removes what nobody can need any more: files that nobody has written for longer than a policy
    /// can hold.
    func tidy(now: Int) {
        for name in (try? Files.names(in: folder)) ?? [] {
            let path = "\(folder)/\(name)"
            guard let status = try? Files.status(path) else { continue }
            let limit = name.hasPrefix(".new.") ? 86_400 : STSPolicy.longestAge
            if Int(status.st_mtim.tv_sec) < now - limit { try? Files.unlink(path) }
        }
    }
}
