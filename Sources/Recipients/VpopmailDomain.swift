// VpopmailDomain: the users of one of vpopmail's domains.
// recipient-sources(5), vpopmail:DIR; vdelivermail.
// SPDX-License-Identifier: MIT

import Control
import Glibc
import MailModel
import UnixIO

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
        guard VpopmailUser.isName(name) else {
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

    private func user(
        _ name: [UInt8], _ trail: inout SourceTrail
    ) throws(ControlError) -> VpopmailUser? {
        let user = try VpopmailUser.find(name, in: folder)
        trail.note(
            "\(folder)/vpasswd.cdb: \(name.printable) is \(user == nil ? "not there" : "there")")
        return user
    }
}
