// Whatever is not a command that we have.
// RFC 5321, section 4.2.4.
// SPDX-License-Identifier: MIT

import MailModel

extension ServerSession {
    /// 502 for commands that exist and that we do not have, 500 for all others.
    mutating func unknown(_ word: ArraySlice<UInt8>) -> SessionStep {
        let name = String(decoding: word.prefix(8), as: UTF8.self).uppercased()
        if ["GET", "POST", "PUT", "CONNECT"].contains(name) {
            // A browser was made to speak to us. Whatever follows is not of its user's making.
            errors = settings.errors
            return .close(.tooManyErrors)
        }
        let isDefined = ["EXPN", "TURN", "SEND", "SOML", "SAML"].contains(name)
        return failed(isDefined ? .notImplemented : .unknownCommand)
    }
}
