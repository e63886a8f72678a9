// PasswordCheck: says by hand whether a password would be accepted.
// auth-check(8), option --check.
// SPDX-License-Identifier: MIT

public import Credentials
import MailModel
import SASL
import UnixIO

/// What the sources say of one login.
public enum PasswordCheck {
    /// The most bytes that are read as a password.
    static let longestPassword = 4096

    /// Reads the password from descriptor 0, up to the first line end, and asks the sources.
    /// - Returns: what the sources said, and a line for each, with what none may tell a client.
    /// - Throws: `ControlError` for what is wrong in the configuration, else `SystemError`.
    public static func run(
        _ options: AuthOptions, _ login: [UInt8]
    ) throws -> (answer: LoginAnswer, lines: [String]) {
        try Memory.hide()
        let sources = try CredentialSources(options.root)
        let input = try Descriptor(rawValue: 0).readToEnd(
            "password", limit: longestPassword + 1)
        defer { Secret.erase(input) }
        var password = Array(input.prefix { $0 != 0x0A })
        defer { Secret.wipe(&password) }
        if password.last == 0x0D { password.removeLast() }
        // Each source is asked once: a program may count.
        let said = sources.explain(login, password)
        let lines = said.map { label, answer in
            switch answer {
            case .accepted(let user): "\(label): accepted as \(user.printable)"
            case .refused: "\(label): refused"
            case .unknown: "\(label): no such login"
            case .unavailable(let reason): "\(label): not known: \(reason)"
            }
        }
        return (said.last?.1 ?? .refused, lines)
    }
}
