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

    /// What vdelivermail does with a user's mail. `file` is the one that runs it.
    func presence(
        of name: [UInt8], _ file: DotQmail, _ words: [[UInt8]], _ trail: inout SourceTrail
    ) throws(ControlError) -> Presence {
        switch try decision(on: name, file.path, words, &trail) {
        case .noName: return .noSuchMailbox
        case .user(let user, let ext): return try presence(of: user, ext, &trail)
        case .others(.bounce): return .noSuchMailbox
        case .others(.delete), .others(.address): return .exists(.elsewhere)
        case .others(.folder(let path)):
            return try presence(in: path, [], MailboxQuota(bytes: nil, messages: nil), &trail)
        }
    }

    /// Whose mail it is.
    enum Decision {
        /// Nobody's: it is no valid name.
        case noName
        /// A user's; the extension is empty when it is his name.
        case user(VpopmailUser, ext: [UInt8])
        case others(CatchAll)
    }

    /// What is done with mail for all others.
    enum CatchAll: Hashable {
        case bounce
        case delete
        case address(Mailbox)
        /// A folder such as a user's.
        case folder(String)
    }

    /// What vdelivermail goes by: the user himself, the user without extension (up to the first
    /// separator, as vpopmail built with QMAIL_EXT), else what the second of the words after the
    /// program's name says of all others. `path` is the file that runs it.
    func decision(
        on name: [UInt8], _ path: String, _ words: [[UInt8]], _ trail: inout SourceTrail
    ) throws(ControlError) -> Decision {
        guard words.count >= 2 else {
            throw .invalid(file: path, line: nil, reason: "vdelivermail needs two words")
        }
        let name = name.asciiLowercased
        guard VpopmailUser.isName(name) else {
            trail.note("vdelivermail returns what is for no valid name")
            return .noName
        }
        if let user = try user(name, &trail) { return .user(user, ext: []) }
        if let base = settings.firstName(in: name), let user = try user(base, &trail) {
            return .user(user, ext: Array(name[(base.count + 1)...]))
        }
        trail.note("\(path): \(words[1].printable) for all others")
        return .others(try VpopmailDomain.catchAll(words[1], path))
    }

    private static func catchAll(
        _ word: [UInt8], _ path: String
    ) throws(ControlError) -> CatchAll {
        if word.elementsEqual("bounce-no-mailbox".utf8) { return .bounce }
        if word.elementsEqual("delete".utf8) { return .delete }
        if word.first == 0x2F, var folder = String(validating: word, as: UTF8.self) {
            while folder.utf8.count > 1, folder.hasSuffix("/") { folder.removeLast() }
            return .folder(folder)
        }
        let address = word.first == 0x26 ? word.dropFirst() : word[...]
        guard let first = address.first, ![0x23, 0x2E, 0x2F, 0x7C].contains(first),
            let mailbox = try? Mailbox(Array(address))
        else {
            throw .invalid(
                file: path, line: nil,
                reason: "vdelivermail's second word cannot be used: \(word.printable)")
        }
        return .address(mailbox)
    }

    /// The Maildir of a user's folder. One that is named itself is meant itself: vdelivermail would
    /// look for a Maildir in it.
    static func maildir(in folder: String) -> String {
        folder.hasSuffix("/Maildir") ? folder : "\(folder)/Maildir"
    }

    /// The dot-qmail file in a user's folder that delivers his mail; nil when that is his Maildir:
    /// without a file, and with one that says nothing.
    static func instructions(
        in folder: String, _ ext: [UInt8], _ trail: inout SourceTrail
    ) throws(ControlError) -> DotQmail? {
        var found: DotQmail?
        if !ext.isEmpty, try HomeState.of(folder) != .missing {
            found = try DotQmail.find(home: folder, dash: [0x2D], ext: ext, &trail)
        }
        if found == nil { found = try DotQmail.open("\(folder)/.qmail", &trail) }
        guard let found, !found.lines.isEmpty else { return nil }
        return found
    }

    private func presence(
        of user: VpopmailUser, _ ext: [UInt8], _ trail: inout SourceTrail
    ) throws(ControlError) -> Presence {
        guard user.flags & VpopmailUser.bounceMail == 0 else {
            trail.note("the account has the flag BOUNCE_MAIL")
            return .refused
        }
        // vdelivermail makes the folder of a user who has none yet.
        guard !user.folder.isEmpty else { return .exists(.elsewhere) }
        return try presence(in: user.folder, ext, MailboxQuota(vpopmail: user.quota), &trail)
    }

    private func presence(
        in folder: String, _ ext: [UInt8], _ quota: MailboxQuota, _ trail: inout SourceTrail
    ) throws(ControlError) -> Presence {
        let maildir = VpopmailDomain.maildir(in: folder)
        var place = Place.maildir(maildir)
        if let own = try VpopmailDomain.instructions(in: folder, ext, &trail) {
            if own.isRefusal { return .noSuchMailbox }
            place = .instructions(own.path)
            let keeps = own.lines.contains { line in
                line.elementsEqual("\(maildir)/".utf8) || line.elementsEqual("./Maildir/".utf8)
            }
            guard keeps else { return .exists(place) }
        }
        guard settings.examinesQuota else { return .exists(place) }
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
