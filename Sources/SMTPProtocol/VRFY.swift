// VRFY: is this a mailbox? Only RCPT, under the chain's eyes, gets an answer to that.
// RFC 5321, sections 3.5.3, 4.1.1.6 and 7.3.
// SPDX-License-Identifier: MIT

import MailModel

extension ServerSession {
    mutating func vrfy(_ argument: ArraySlice<UInt8>) -> SessionStep {
        guard !argument.isEmpty else { return failed(.needsArgument) }
        // RFC 6531, section 3.7.4.2: `VRFY string SMTPUTF8`. Our reply is ASCII in any case.
        if ServerSession.isBeyondASCII(argument) {
            guard UTF8Text.isValid(argument) else { return failed(.badForwardPath) }
            guard argument.suffix(9).equalsIgnoringASCIICase(" SMTPUTF8".utf8) else {
                return failed(.needsSMTPUTF8)
            }
        }
        return .reply(.notVerified)
    }
}
