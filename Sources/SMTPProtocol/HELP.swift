// HELP: the commands that there are. Whatever follows the verb is ignored.
// RFC 5321, section 4.1.1.8.
// SPDX-License-Identifier: MIT

import MailModel

extension ServerSession {
    func help() -> SessionStep {
        let verbs = Verb.allCases.filter { isThere($0) }.map(\.rawValue).joined(separator: " ")
        return .reply(
            SMTPReply(214, EnhancedStatus(2, 0, 0), lines: ["Commands: \(verbs)", "RFC 5321"]))
    }

    private func isThere(_ verb: Verb) -> Bool {
        switch verb {
        case .startTLS: settings.offersTLS && tls == nil && claimed == nil
        case .auth: !mechanisms.isEmpty
        case .xclient: settings.allowsXCLIENT
        case .xforward: settings.allowsXFORWARD
        default: true
        }
    }
}
