// AddressDatabase: a cdb of addresses, ours or made for another mail server.
// recipient-sources(5), cdb:PATH.
// SPDX-License-Identifier: MIT

import Control
import MailModel

/// `cdb:PATH`: what `MailboxCompiler` made, a validrcptto.cdb, or a recipients.cdb of s/qmail.
struct AddressDatabase: RecipientSource {
    /// The most domains that the addresses of one file may be in.
    static let maximumDomains = 1_000_000

    private let path: String
    private let settings: SourceSettings
    private var file: Watched<OpenAddressDatabase>

    init(_ path: String, _ settings: SourceSettings) throws(ControlError) {
        self.path = path
        self.settings = settings
        file = Watched([path]) { () throws(ControlError) in try OpenAddressDatabase(path) }
        _ = try file.current()
    }

    var label: String { "cdb:\(path)" }

    mutating func find(
        _ mailbox: Mailbox, _ trail: inout SourceTrail
    ) throws(SourceError) -> Presence {
        try reading { () throws(ControlError) in
            let file = try file.current()
            if let ours = file.ours { return try ours.presence(of: mailbox, settings) }
            guard let domain = mailbox.domain?.asciiLowercased, !domain.isEmpty else {
                return .unknownDomain
            }
            let name = mailbox.localPart.asciiLowercased
            if let exists = try answer(for: name, domain, in: file.database, &trail) {
                return exists ? .exists(.elsewhere) : .noSuchMailbox
            }
            return try file.domains().contains(domain) ? .noSuchMailbox : .unknownDomain
        }
    }

    /// The first key that says yes or no: the address, the same without its extension, s/qmail's
    /// key for all extensions, the domain.
    private func answer(
        for name: [UInt8], _ domain: [UInt8], in database: ConstantDatabase,
        _ trail: inout SourceTrail
    ) throws(ControlError) -> Bool? {
        let place = [0x40] + domain
        for candidate in [name[...]] + settings.names(in: name[...]) {
            // A hyphen or colon in front would make a key with another meaning of it.
            guard candidate.first != 0x2D, candidate.first != 0x3A else { continue }
            if let answer = try says(candidate + place, in: database, &trail) { return answer }
        }
        if let end = name.firstIndex(where: { $0 == 0x2D || $0 == 0x3D || $0 == 0x2B }) {
            let key = [0x3A] + name[...end] + place
            if try isThere(key, in: database, &trail) { return true }
        }
        return try says(place[...], in: database, &trail)
    }

    /// Yes for `KEY` and `:KEY`, no for `-KEY`; nil for neither.
    private func says(
        _ key: ArraySlice<UInt8>, in database: ConstantDatabase, _ trail: inout SourceTrail
    ) throws(ControlError) -> Bool? {
        if try isThere(Array(key), in: database, &trail) { return true }
        if try isThere([0x3A] + key, in: database, &trail) { return true }
        return try isThere([0x2D] + key, in: database, &trail) ? false : nil
    }

    private func isThere(
        _ key: [UInt8], in database: ConstantDatabase, _ trail: inout SourceTrail
    ) throws(ControlError) -> Bool {
        let isThere = try database.value(for: key) != nil
        if isThere { trail.note("\(path): \(key.printable) is there") }
        return isThere
    }
}

/// One version of the file, and the domains in that version: an address is missing in a domain only
/// where one and the same version has the domain.
private final class OpenAddressDatabase {
    let path: String
    let database: ConstantDatabase
    let ours: MailboxTable?
    private var found: Result<Set<[UInt8]>, ControlError>?

    init(_ path: String) throws(ControlError) {
        self.path = path
        database = try ConstantDatabase(path)
        ours = try MailboxTable(database)
    }

    /// The domains of all keys: a file that was not made by us names its domains only in its
    /// addresses. This reads the whole file, once in its life.
    func domains() throws(ControlError) -> Set<[UInt8]> {
        if let found { return try found.get() }
        let result = Result { () throws(ControlError) in try read() }
        found = result
        return try result.get()
    }

    private func read() throws(ControlError) -> Set<[UInt8]> {
        let maximum = AddressDatabase.maximumDomains
        var domains: Set<[UInt8]> = []
        var last: ArraySlice<UInt8> = []
        try database.forEachKey { key in
            guard let at = key.lastIndex(of: 0x40) else { return }
            let domain = key[(at + 1)...]
            guard domain != last, domains.count <= maximum else { return }
            last = domain
            domains.insert(Array(domain))
        }
        guard domains.count <= maximum else {
            throw .invalid(
                file: path, line: nil, reason: "addresses in more than \(maximum) domains")
        }
        return domains
    }
}

extension SourceKind {
    /// `cdb:PATH`: a database of addresses.
    static let cdb = SourceKind("cdb", form: "cdb:PATH") { spec, settings throws(ControlError) in
        try AddressDatabase(spec.value, settings)
    }
}
