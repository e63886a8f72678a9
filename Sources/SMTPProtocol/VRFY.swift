// VRFY: is this a mailbox? Only RCPT, under the chain's eyes, gets an answer to that.
// RFC 5321, sections 3.5.3, 4.1.1.6 and 7.3.
// SPDX-License-Identifier: MIT

import MailModel

extension ServerSession {
    mutating func vrfy(_ argument: ArraySlice<UInt8>) -> SessionStep {
        argument.isEmpty ? failed(.needsArgument) : .reply(.notVerified)
    }
}
