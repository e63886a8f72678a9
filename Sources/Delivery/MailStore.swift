// MailStore: what a message is written into.
// deliver-local(8).
// SPDX-License-Identifier: MIT

import UnixIO

/// A message on its way into a mailbox. One that is not committed leaves nothing behind, as far as
/// the store allows.
protocol MailStore: ~Copyable {
    /// Adds bytes at the end.
    mutating func write(_ bytes: [UInt8]) throws(SystemError)

    /// Makes the message safe; when this returns, it is delivered.
    /// - Returns: where it is, for the log.
    consuming func commit() throws(SystemError) -> String
}

extension MaildirFile: MailStore {}
extension MboxFile: MailStore {}
