// vmailmgr [FOLDER]: the virtual users of vmailmgr.
// auth-sources(5); checkvpw.
// SPDX-License-Identifier: MIT

import Control
import MailModel
import Passwords
import Recipients

/// The users of vmailmgr's domains, by `user@domain` or `user:domain`.
final class VmailmgrCredentials: StoredSource {
    let label: String
    let secret: LoginSecret
    private var users: VmailmgrUsers
    private let hasClearText: Bool
    private(set) var decoy: StoredPassword?

    init(
        _ folder: String, _ users: VmailmgrUsers, hasClearText: Bool,
        _ settings: CredentialSettings
    ) {
        label = "vmailmgr:\(folder)"
        secret = settings.secret
        self.users = users
        self.hasClearText = hasClearText
    }

    var abilities: Abilities {
        hasClearText ? [.verify, .clearText, .scram, .cramMD5] : .verify
    }

    func account(_ login: [UInt8], _ context: LoginContext) -> Lookup<Account> {
        var address = login.asciiLowercased
        if !address.contains(0x40), let colon = address.firstIndex(of: 0x3A) {
            address[colon] = 0x40
        }
        guard address.contains(0x40), let mailbox = try? Mailbox(address) else { return .unknown }
        do throws(ControlError) {
            guard let found = try users.user(mailbox) else { return .unknown }
            return Lookup.found((), user: address).map { (_) throws(PasswordError) in
                let password = try VmailmgrCredentials.stored(found.password)
                if password != .locked { decoy = password }
                return Account(password: found.mayLogIn ? password : .locked)
            }
        } catch {
            return .unavailable("\(error)")
        }
    }

    /// `$0$` and the password, `3` and a digest, or what crypt(3) takes: vmailmgr's vpwtable.
    static func stored(_ text: [UInt8]) throws(PasswordError) -> StoredPassword {
        if text.starts(with: "$0$".utf8) {
            return text.count > 3 ? .clear(Array(text.dropFirst(3))) : .locked
        }
        if text.count == 33, text.first == 0x33,
            let digest = StoredPassword.hexadecimal(text.dropFirst())
        {
            return .digest(name: "MD5", value: digest, salt: [])
        }
        return try StoredPassword(text)
    }
}

extension CredentialKind {
    /// `vmailmgr [table=NAME] [passwd=FILE] [clear=yes] [FOLDER]`.
    static let vmailmgr = CredentialKind(
        "vmailmgr", form: "vmailmgr [FOLDER]", options: ["table", "passwd", "clear"]
    ) { line, settings throws(ControlError) in
        let folder = try line.path("FOLDER", defaultPath: "/var/qmail")
        let table = line["table"] ?? "passwd"
        guard !table.contains("/") else { throw line.invalid("table= is a name without a slash") }
        let users = try VmailmgrUsers(folder, table: table, passwd: line["passwd"])
        return VmailmgrCredentials(
            folder, users, hasClearText: try line.flag("clear"), settings)
    }
}
