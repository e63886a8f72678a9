// QUIT: the client is done.
// RFC 5321, section 4.1.1.10.
// SPDX-License-Identifier: MIT

import MailModel

extension ServerSession {
    mutating func quit(_ argument: ArraySlice<UInt8>) -> SessionStep {
        guard argument.isEmpty else { return failed(.noArgument) }
        return .close(.bye)
    }
}
