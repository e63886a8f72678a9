// VpopmailDomain: the users of one of vpopmail's domains.
// recipient-sources(5), vpopmail:DIR; vdelivermail.
// SPDX-License-Identifier: MIT

import Control
import Glibc
import MailModel
import UnixIO

/// One user, as the domain's vpasswd.cdb has him.
private struct VpopmailUser {
    /// The flag of a locked account, one of the bits in the field of the group.
    static let bounceMail = 0x10

    let flags: Int
    /// Where he is, which is never computed: folders are hashed after some hundred users.
    let folder: String
    let quota: [UInt8]

    /// What follows the name: `crypt:uid:gid:gecos:dir:quota` and perhaps `:clear`.
    init?(_ data: some Collection<UInt8>) {
        let fields = data.split(separator: 0x3A, omittingEmptySubsequences: false)
        guard fields.count >= 6, fields[1].decimalValue != nil,
            let flags = fields[2].decimalValue,
            let folder = String(validating: fields[4], as: UTF8.self),
            folder.isEmpty || folder.hasPrefix("/"), !fields[4].contains(0)
        else { return nil }
        self.flags = flags
        self.folder = folder
        quota = Array(fields[5])
    }
}

/// A domain's folder, as vdelivermail treats it. Whether vdelivermail is run at all is qmail's
/// decision, by the dot-qmail files in it.
struct VpopmailDomain {
    private let folder: String
    private let settings: SourceSettings

    init(_ folder: String, _ settings: SourceSettings) {
        self.folder = folder
        self.settings = settings
    }

    /// What vdelivermail does with a user's mail: the user himself, the user without extension
    /// (up to the first separator, as vpopmail built with QMAIL_EXT), else what the second of the
    /// words after the program's name says of all others. `file` is the one that runs it.
    func presence(
        of name: [UInt8], _ file: DotQmail, _ words: [[UInt8]], _ trail: inout SourceTrail
    ) throws(ControlError) -> Presence {
        guard words.count >= 2 else {
            throw .invalid(file: file.path, line: nil, reason: "vdelivermail needs two words")
        }
        let name = name.asciiLowercased
        guard name.allSatisfy(VpopmailDomain.isInNames) else {
            trail.note("vdelivermail returns what is for no valid name")
            return .noSuchMailbox
        }
        if let user = try user(name, &trail) { return try presence(of: user, &trail) }
        if let base = settings.firstName(in: name), let user = try user(base, &trail) {
            return try presence(of: user, &trail)
        }
        trail.note("\(file.path): \(words[1].printable) for all others")
        return VpopmailDomain.catchAll(words[1])
    }

    private static func catchAll(_ word: [UInt8]) -> Presence {
        if word.elementsEqual("bounce-no-mailbox".utf8) { return .noSuchMailbox }
        guard word.first == 0x2F, let path = String(validating: word, as: UTF8.self) else {
            // An address, or `delete`: taken, and gone.
            return .exists(.elsewhere)
        }
        return .exists(.maildir(path.hasSuffix("/") ? "\(path)Maildir" : "\(path)/Maildir"))
    }

    /// What is not among them, vdelivermail returns without a look at anything: vpopmail.c,
    /// is_username_valid.
    private static func isInNames(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x21, 0x23, 0x24, 0x26, 0x27, 0x2A, 0x2B, 0x2D...0x39, 0x3D, 0x3F, 0x41...0x5A,
            0x5E...0x7E:
            true
        default: false
        }
    }

    private func presence(
        of user: VpopmailUser, _ trail: inout SourceTrail
    ) throws(ControlError) -> Presence {
        guard user.flags & VpopmailUser.bounceMail == 0 else {
            trail.note("the account has the flag BOUNCE_MAIL")
            return .refused
        }
        // vdelivermail makes the folder of a user who has none yet.
        guard !user.folder.isEmpty else { return .exists(.elsewhere) }
        let maildir = "\(user.folder)/Maildir"
        var place = Place.maildir(maildir)
        if let own = try DotQmail.open("\(user.folder)/.qmail", &trail), !own.lines.isEmpty {
            if own.isRefusal { return .noSuchMailbox }
            place = .instructions(own.path)
            let keeps = own.lines.contains { line in
                line.elementsEqual("\(maildir)/".utf8) || line.elementsEqual("./Maildir/".utf8)
            }
            guard keeps else { return .exists(place) }
        }
        guard settings.examinesQuota else { return .exists(place) }
        let quota = MailboxQuota(vpopmail: user.quota)
        let isFull = try MaildirUsage.isFull(maildir, quota, now: time(nil), &trail)
        return isFull ? .overQuota(place) : .exists(place)
    }

    /// A user of vpasswd.cdb; of the text beside it where there is no cdb yet.
    private func user(
        _ name: [UInt8], _ trail: inout SourceTrail
    ) throws(ControlError) -> VpopmailUser? {
        let path = "\(folder)/vpasswd.cdb"
        let data: [UInt8]?
        if let database = try ConstantDatabase.ifPresent(path) {
            data = try database.value(for: name)
        } else {
            data = try line(of: name)
        }
        trail.note("\(path): \(name.printable) is \(data == nil ? "not there" : "there")")
        guard let data else { return nil }
        guard let user = VpopmailUser(data) else {
            throw .invalid(file: path, line: nil, reason: "the record of a user is damaged")
        }
        return user
    }

    private func line(of name: [UInt8]) throws(ControlError) -> [UInt8]? {
        let path = "\(folder)/vpasswd"
        let text: [UInt8]
        do throws(SystemError) {
            guard let all = try RegularFile.contents(of: path) else {
                throw SystemError("open", path, .invalidArgument)
            }
            text = all
        } catch {
            guard error.errno == .noSuchFileOrDirectory else { throw .unreadable(error) }
            throw .invalid(
                file: "\(path).cdb", line: nil,
                reason: "the file is missing: vpopmail keeps users elsewhere, such as in SQL")
        }
        let start = name + [0x3A]
        return text.split(separator: 0x0A).first { $0.starts(with: start) }
            .map { Array($0.dropFirst(start.count)) }
    }
}
