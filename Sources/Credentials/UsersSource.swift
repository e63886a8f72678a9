// users [FILE]: the users file.
// auth-sources(5), users(5).
// SPDX-License-Identifier: MIT

import Accounts
import Control
import MailModel
import Passwords

/// The users of a users file.
final class UsersSource: StoredSource {
    let label: String
    let secret: LoginSecret
    private let file: UsersFile
    private let mayBeMissing: Bool
    private let hasClearText: Bool
    private let offersSCRAM: Bool

    /// A file. One that `mayBeMissing` has no users then, and can do nothing.
    init(
        _ file: UsersFile, _ settings: CredentialSettings, mayBeMissing: Bool = false,
        hasClearText: Bool = false, offersSCRAM: Bool = true
    ) {
        label = "users:\(file.path)"
        secret = settings.secret
        self.file = file
        self.mayBeMissing = mayBeMissing
        self.hasClearText = hasClearText
        self.offersSCRAM = offersSCRAM
    }

    var abilities: Abilities {
        guard !mayBeMissing || file.exists else { return [] }
        var abilities: Abilities = hasClearText ? [.verify, .clearText, .cramMD5] : .verify
        // What cannot be read now is unavailable when somebody logs in, and no less offered.
        let verifiers = try? file.verifiers()
        if offersSCRAM, verifiers?.count != 0 { abilities.insert(.scram) }
        return abilities
    }

    var decoy: StoredPassword? { try? file.decoy() }

    func account(_ login: [UInt8], _ context: LoginContext) -> Lookup<Account> {
        guard !mayBeMissing || file.exists else { return .unknown }
        do throws(ControlError) {
            guard let line = try file.user(login) else { return .unknown }
            return Lookup.found((), user: line.login).map { (_) throws(PasswordError) in
                Account(password: try line.password(), verifier: line.verifier)
            }
        } catch {
            return .unavailable("\(error)")
        }
    }
}

extension CredentialKind {
    /// `users [clear=yes] [scram=no] [FILE]`.
    static let users = CredentialKind(
        "users", form: "users [FILE]", options: ["clear", "scram"]
    ) {
        line, settings throws(ControlError) in
        let hasClearText = try line.flag("clear")
        let offersSCRAM = try line.flag("scram", otherwise: true)
        let path = try line.path("FILE", defaultPath: UsersFile(settings.root).path)
        let file = UsersFile(path)
        try file.check()
        return UsersSource(
            file, settings, hasClearText: hasClearText, offersSCRAM: offersSCRAM)
    }
}
