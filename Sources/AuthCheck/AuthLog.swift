// AuthLog: one line for each login.
// auth-check(8); chainmail(7), section LOGS.
// SPDX-License-Identifier: MIT

import AuthProtocol
import MailModel
import UnixIO

/// Writes the events of logins. No line holds anything of what a client said but the login.
struct AuthLog {
    private let log = Log("auth-check")

    /// A conversation came to its end.
    func ended(_ answer: AuthReply, _ question: AuthQuestion, login: [UInt8]?) {
        switch answer {
        case .challenge: break
        case .accepted(let user, _): event("login", question, login, ("user", user.printable))
        case .refused(let reason, _):
            event("login-refused", question, login, ("reason", reason.rawValue))
        case .unavailable(let reason):
            event("login-unavailable", question, login, ("error", reason))
        }
    }

    /// A conversation was left by the other end, or had no more time.
    func abandoned(_ question: AuthQuestion, login: [UInt8]?, _ reason: String) {
        event("login-abandoned", question, login, ("reason", reason))
    }

    /// Somebody asks whom we do not answer.
    func stranger(_ uid: UInt32?) {
        log.event("stranger", ["uid": uid.map { "\($0)" } ?? "unknown"])
    }

    /// Something else went wrong.
    func trouble(_ event: String, _ error: String) { log.event(event, ["error": error]) }

    private func event(
        _ name: String, _ question: AuthQuestion, _ login: [UInt8]?,
        _ pair: (key: String, value: String)
    ) {
        log.event(
            name,
            pairs: [
                ("session", question.facts[.session]?.printable),
                ("client", question.facts[.clientIP]?.printable),
                ("mechanism", question.mechanism.utf8.prefix(20).printable),
                ("login", login?.prefix(255).printable), (pair.key, pair.value),
            ])
    }
}
