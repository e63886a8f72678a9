// VmailmgrDomain: the virtual users of one of vmailmgr's base users.
// recipient-sources(5), vmailmgr:DIR; vmailmgr's record-format.txt and vdeliver.
// SPDX-License-Identifier: MIT

import Control
import Glibc
import MailModel

/// A base user's home, as vdeliver treats it. Whether vdeliver is run at all is qmail's decision.
struct VmailmgrDomain {
    private let home: String
    private let settings: SourceSettings
    /// The table of users.
    let path: String

    init(_ home: String, table: String = "passwd", _ settings: SourceSettings) {
        self.home = home
        self.settings = settings
        path = "\(home)/\(table).cdb"
    }

    /// What vdeliver does with a user's mail.
    func presence(
        of name: [UInt8], _ trail: inout SourceTrail
    ) throws(ControlError) -> Presence {
        guard let found = try find(name, &trail) else { return .noSuchMailbox }
        return try presence(of: found.record, &trail)
    }

    /// Whose mail it is: the user's, the user's without an extension where the settings name one
    /// (vdeliver itself knows none), else that of the user `+`; nil when it is nobody's.
    func find(
        _ name: [UInt8], _ trail: inout SourceTrail
    ) throws(ControlError) -> (name: [UInt8], record: VmailmgrRecord)? {
        let database = try ConstantDatabase(path)
        let name = name.asciiLowercased
        for candidate in [name[...]] + settings.names(in: name[...]) + [[0x2B]] {
            guard !candidate.isEmpty, let data = try database.value(for: candidate) else {
                continue
            }
            trail.note("\(path): \(candidate.printable) is there")
            guard let record = VmailmgrRecord(data) else {
                throw .invalid(file: path, line: nil, reason: "the record of a user is damaged")
            }
            return (Array(candidate), record)
        }
        trail.note("\(path): \(name.printable) is not there")
        return nil
    }

    private func presence(
        of record: VmailmgrRecord, _ trail: inout SourceTrail
    ) throws(ControlError) -> Presence {
        let now = time(nil)
        if let expiry = record.expiry, expiry < now {
            trail.note("the user has expired")
            return .refused
        }
        guard record.keepsMail, let maildir = record.maildir(in: home) else {
            // vdeliver would take the message and drop it.
            return record.isForwarded ? .exists(.elsewhere) : .refused
        }
        let place = Place.maildir(maildir)
        guard settings.examinesQuota else { return .exists(place) }
        let isFull = try MaildirUsage.isFull(maildir, record.quota, now: now, &trail)
        return isFull ? .overQuota(place) : .exists(place)
    }
}

/// One virtual user, of any version of the format.
struct VmailmgrRecord: Hashable {
    private(set) var hasMailbox = true
    private(set) var isEnabled = true
    private var folder: [UInt8] = []
    /// As it is stored.
    private(set) var password: [UInt8] = []
    /// Whom mail is sent on to, as it is written there.
    private(set) var forwards: [[UInt8]] = []
    /// Who it is.
    private(set) var personal: [UInt8] = []
    /// Hard quota, soft quota, size and number of messages, when it was made and when it ends, as
    /// vmailmgr has them; nil for none.
    private(set) var numbers: [Int?] = []
    private(set) var quota = MailboxQuota(bytes: nil, messages: nil)
    /// Seconds since 1970; nil for never.
    private(set) var expiry: Int?

    /// True when mail is sent on to somebody.
    var isForwarded: Bool { !forwards.isEmpty }
    /// True when mail is delivered into the user's Maildir.
    var keepsMail: Bool { hasMailbox && isEnabled && !folder.isEmpty }

    /// Reads a record; nil when it is not of one of the formats, or damaged.
    init?(_ data: [UInt8]) {
        switch data.first {
        case 0x3A: self.init(old: data.dropFirst())
        case 1: self.init(fields: data.dropFirst())
        case 2:
            guard let (flags, rest) = VmailmgrRecord.flags(data.dropFirst()) else { return nil }
            self.init(fields: rest)
            if let value = flags[10] { hasMailbox = value }
            if let value = flags[8] { isEnabled = value }
        default: return nil
        }
    }

    /// `pass:dest`, where `dest` is a folder or addresses.
    private init?(old data: ArraySlice<UInt8>) {
        guard let colon = data.firstIndex(of: 0x3A) else { return nil }
        password = Array(data[..<colon])
        let destination = data[(colon + 1)...]
        hasMailbox = destination.first == 0x2E || destination.first == 0x2F
        folder = hasMailbox ? Array(destination) : []
        guard !destination.contains(0) else { return nil }
        guard !hasMailbox else { return }
        let addresses = destination.first == 0x26 ? destination.dropFirst() : destination
        forwards = addresses.split(separator: 0x2C).map { Array($0) }
    }

    /// Fields that end with NUL each: password, folder, addresses up to an empty one, who it is, and
    /// six numbers.
    private init?(fields data: ArraySlice<UInt8>) {
        guard data.last == 0 else { return nil }
        var rest = data.dropLast().split(separator: 0, omittingEmptySubsequences: false)[...]
        guard let password = rest.popFirst(), let folder = rest.popFirst() else { return nil }
        self.password = Array(password)
        self.folder = Array(folder)
        while let address = rest.popFirst(), !address.isEmpty { forwards.append(Array(address)) }
        guard rest.count == 7 else { return nil }
        personal = rest.first.map { Array($0) } ?? []
        for field in rest.dropFirst() {
            let isUnlimited = field.elementsEqual([0x2D])
            guard isUnlimited || field.decimalValue != nil else { return nil }
            numbers.append(isUnlimited ? nil : field.decimalValue)
        }
        guard numbers.count == 6 else { return nil }
        quota = MailboxQuota(bytes: numbers[0], messages: numbers[3])
        expiry = numbers[5]
    }

    /// Pairs of a flag's number and value up to a zero; nil for an unknown one, as in vmailmgr.
    private static func flags(
        _ data: ArraySlice<UInt8>
    ) -> (flags: [UInt8: Bool], rest: ArraySlice<UInt8>)? {
        var flags: [UInt8: Bool] = [:]
        var rest = data
        while let number = rest.popFirst() {
            if number == 0 { return (flags, rest) }
            guard number == 8 || number == 10, let value = rest.popFirst() else { return nil }
            flags[number] = value != 0
        }
        return nil
    }

    /// The Maildir; a relative one is below the base user's home. Nil when its name is not UTF-8.
    func maildir(in home: String) -> String? {
        guard var path = String(validating: folder, as: UTF8.self) else { return nil }
        while path.count > 1, path.hasSuffix("/") { path.removeLast() }
        if path.hasPrefix("/") { return path }
        return "\(home)/\(path.hasPrefix("./") ? String(path.dropFirst(2)) : path)"
    }
}
