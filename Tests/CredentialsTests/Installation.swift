// Installation: a root with sources of passwords.
// SPDX-License-Identifier: MIT

import Control
import Credentials
import MailModel
import Passwords
import TestSupport

/// A folder with `etc/control/auth`.
struct Installation {
    let folder: TestFolder

    var root: Root { Root(folder.path) }

    /// The users file.
    var users: String { folder.file("etc/users") }

    init(auth: String? = nil) throws {
        folder = try TestFolder()
        try folder.write("etc/control/me", "mx.test\n")
        if let auth { try write(auth: auth) }
    }

    func write(auth: String) throws { try folder.write("etc/control/auth", auth) }

    /// Writes a users file by hand.
    func write(users text: String, mode: Int = 0o640) throws {
        try folder.write("etc/users", text, mode: mode)
    }

    /// Runs `chainmail user`.
    @discardableResult
    func user(_ arguments: [String], _ input: String = "") throws -> ToolResult {
        var tool = try Tool("chainmail", ["user"] + arguments + ["--root", folder.path])
        tool.message = Array(input.utf8)
        return try tool.run()
    }

    func sources() throws(ControlError) -> CredentialSources { try CredentialSources(root) }

    /// What the sources say of a login, in one word.
    func word(
        _ login: String, _ password: String, _ context: LoginContext = LoginContext()
    ) throws -> String {
        try sources().word(login, password, context)
    }

    /// Why the sources are refused; empty when they are not.
    func complaint() -> String {
        do throws(ControlError) { _ = try sources() } catch { return "\(error)" }
        return ""
    }
}

extension CredentialSources {
    /// What the sources say of a login, in one word.
    func word(
        _ login: String, _ password: String, _ context: LoginContext = LoginContext()
    ) -> String {
        verify(Array(login.utf8), Array(password.utf8), context).word
    }

    /// What they have for SCRAM.
    func scram(_ login: String) -> String {
        scramVerifier(Array(login.utf8)).word
    }
}

extension LoginAnswer {
    /// `yes USER`, `no`, `unknown`, `unavailable`.
    var word: String {
        switch self {
        case .accepted(let user): "yes \(user.printable)"
        case .refused: "no"
        case .unknown: "unknown"
        case .unavailable: "unavailable"
        }
    }
}

extension Lookup {
    /// `USER`, `refused`, `unknown`, `unavailable`.
    var word: String {
        switch self {
        case .found(_, let user): user.printable
        case .refused: "refused"
        case .unknown: "unknown"
        case .unavailable: "unavailable"
        }
    }
}
