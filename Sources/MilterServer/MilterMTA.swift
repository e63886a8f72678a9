// MilterMTA: what a session needs of the MTA's side.
// SPDX-License-Identifier: MIT

import MailModel

/// Why the MTA does not do what it was asked for.
struct MilterRefusal: Error {
    /// What it was asked for.
    let what: String
}

/// The MTA of a connection.
protocol MilterMTA {
    /// The value of a macro such as `{auth_authen}`; nil without one.
    func macro(_ name: String) -> [UInt8]?
    /// Makes a change. Only at the end of a message.
    func make(_ change: MilterChange) throws(MilterRefusal)
    /// Puts the next piece of another body, with CRLF line ends, in the place of the old one. Only
    /// at the end of a message.
    func replaceBody(_ piece: [UInt8]) throws(MilterRefusal)
    /// Says that it takes longer. Only at the end of a message.
    func goOn()
}
