// DomainsEditor: changes the lists of domains that mail is accepted for.
// chainmail(1), domain; chainmail(7), control files.
// SPDX-License-Identifier: MIT

import Control
import Glibc
import MailModel
import UnixIO

/// Changes `rcpthosts` where the domains that mail is accepted for are in it, else `locals`. Lines
/// that are not concerned stay byte for byte. The folder must be locked.
struct DomainsEditor {
    let control: ControlFolder

    /// Of these domains those that mail is not accepted for.
    func foreign(of domains: Set<[UInt8]>) throws(UsersError) -> Set<[UInt8]> {
        try controlled { () throws(ControlError) in
            let accepted = try AcceptedDomains(control)
            var foreign: Set<[UInt8]> = []
            for domain in domains where try !accepted.contains(domain) { foreign.insert(domain) }
            return foreign
        }
    }

    /// The list with these domains in it; nil when there are none.
    func prepared(adding domains: Set<[UInt8]>) throws(UsersError) -> Replacement? {
        guard !domains.isEmpty else { return nil }
        var name = "locals"
        for list in ["rcpthosts", "morercpthosts", "morercpthosts.cdb"]
        where try status(list) != nil { name = "rcpthosts" }
        var lines = try contents(name)
        if lines == nil, name == "locals" {
            // Without the file our own name is local.
            lines = try controlled { () throws(ControlError) in
                (try control.line("me") ?? []) + [0x0A]
            }
        }
        var text = lines ?? []
        if let last = text.last, last != 0x0A { text.append(0x0A) }
        for domain in domains.sorted(by: { $0.lexicographicallyPrecedes($1) }) {
            text += domain + [0x0A]
        }
        return try replacement(name, text)
    }

    /// The lists that have one of these domains, without them.
    /// - Throws: `UsersError` also where a domain is in a list that is not ours to change.
    func prepared(removing domains: Set<[UInt8]>) throws(UsersError) -> [Replacement] {
        try checkOthers(domains)
        var replacements: [Replacement] = []
        for name in ["rcpthosts", "morercpthosts", "locals"] {
            guard let old = try contents(name) else { continue }
            let lines = old.split(separator: 0x0A, omittingEmptySubsequences: false)
            let kept = lines.filter { !domains.contains($0.trimmed.asciiLowercased) }
            guard kept.count < lines.count else { continue }
            replacements.append(try replacement(name, Array(kept.joined(separator: [0x0A]))))
        }
        return replacements
    }

    /// What decides otherwise, and who changes it has to make something else of it, too.
    private func checkOthers(_ domains: Set<[UInt8]>) throws(UsersError) {
        try controlled { () throws(ControlError) in
            let database = try ConstantDatabase.ifPresent(control.file("morercpthosts.cdb"))
            for domain in domains where try database?.value(for: domain) != nil {
                throw control.invalid(
                    "morercpthosts.cdb", nil,
                    "it has \(domain.printable): take that from morercpthosts, and make it anew")
            }
            for line in try control.list("virtualdomains") ?? []
            where domains.contains(line.bytes.prefix { $0 != 0x3A }.asciiLowercased) {
                throw control.invalid(
                    "virtualdomains", line.number,
                    "the domain is given to a user: take the line away first")
            }
        }
    }

    private func contents(_ name: String) throws(UsersError) -> [UInt8]? {
        try controlled { () throws(ControlError) in try control.contents(name) }
    }

    private func status(_ name: String) throws(UsersError) -> stat? {
        do throws(SystemError) { return try Files.status(control.file(name)) } catch {
            throw .control(.unreadable(error))
        }
    }

    private func replacement(_ name: String, _ text: [UInt8]) throws(UsersError) -> Replacement {
        let old = try status(name)
        let new = try controlled { () throws(ControlError) in
            try ReplacementFile(
                control.file(name), mode: old.map { $0.st_mode & 0o777 } ?? 0o644,
                owner: old?.st_uid, group: old?.st_gid)
        }
        var text = text
        try new.append(&text)
        try new.finish(after: old)
        return Replacement(file: new)
    }
}
