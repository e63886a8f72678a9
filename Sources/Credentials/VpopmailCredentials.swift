// vpopmail [FOLDER]: the users of vpopmail.
// auth-sources(5); vchkpw.
// SPDX-License-Identifier: MIT

import Control
import MailModel
import Passwords
import Recipients

/// The users of vpopmail's domains. Hashes are checked, and the passwords themselves serve other
/// mechanisms where vpopmail keeps them. None is ever learned.
final class VpopmailCredentials: StoredSource {
    let label: String
    let secret: LoginSecret
    private let users: VpopmailUsers
    private let hasClearText: Bool
    private(set) var decoy: StoredPassword?

    init(
        _ folder: String, qmail: String, hasClearText: Bool, _ settings: CredentialSettings
    ) throws(ControlError) {
        label = "vpopmail:\(folder)"
        secret = settings.secret
        self.hasClearText = hasClearText
        users = try VpopmailUsers(folder, qmail: qmail)
    }

    var abilities: Abilities {
        hasClearText ? [.verify, .clearText, .scram, .cramMD5] : .verify
    }

    func account(_ login: [UInt8], _ context: LoginContext) -> Lookup<Account> {
        do throws(ControlError) {
            guard let found = try users.user(login) else { return .unknown }
            return Lookup.found((), user: found.address).map { (_) throws(PasswordError) in
                let password = try StoredPassword(found.user.password)
                if password != .locked { decoy = password }
                guard found.maySend else { return Account(password: .locked) }
                return Account(password: password, clearText: found.user.clearText)
            }
        } catch {
            return .unavailable("\(error)")
        }
    }
}

extension CredentialKind {
    /// `vpopmail [qmail=DIR] [clear=yes] [FOLDER]`.
    static let vpopmail = CredentialKind(
        "vpopmail", form: "vpopmail [FOLDER]", options: ["qmail", "clear"]
    ) { line, settings throws(ControlError) in
        let qmail = try line.absolute(line["qmail"] ?? "/var/qmail", "qmail=")
        let folder = try line.path("FOLDER", defaultPath: "/home/vpopmail")
        return try VpopmailCredentials(
            folder, qmail: qmail, hasClearText: try line.flag("clear"), settings)
    }
}
