// RSET: the transaction is forgotten.
// RFC 5321, section 4.1.1.5.
// SPDX-License-Identifier: MIT

import MailModel

extension ServerSession {
    mutating func rset(_ argument: ArraySlice<UInt8>) -> SessionStep {
        guard argument.isEmpty else { return failed(.noArgument) }
        reset()
        return .reply(.ok)
    }
}
