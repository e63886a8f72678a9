// HELP: the commands that there are. Whatever follows the verb is ignored.
// RFC 5321, section 4.1.1.8.
// SPDX-License-Identifier: MIT

import MailModel

extension ServerSession {
    func help() -> SessionStep {
        let verbs = Verb.allCases.map(\.rawValue).joined(separator: " ")
        return .reply(
            SMTPReply(214, EnhancedStatus(2, 0, 0), lines: ["Commands: \(verbs)", "RFC 5321"]))
    }
}
