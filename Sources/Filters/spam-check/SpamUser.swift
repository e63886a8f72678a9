// SpamUser: whose settings spamd uses.
// spam-check(8), section USERS.
// SPDX-License-Identifier: MIT

import MailModel

/// `--user` and `--default-user`.
struct SpamUser {
    enum Kind {
        /// Settings of everybody.
        case nobody
        /// The recipient's address.
        case recipient
        /// What is before the recipient's `@`.
        case localPart
        case name([UInt8])

        /// Reads `recipient`, `local-part`, or a name.
        init(_ bytes: [UInt8]) {
            switch String(decoding: bytes, as: UTF8.self) {
            case "recipient": self = .recipient
            case "local-part": self = .localPart
            default: self = .name(bytes)
            }
        }
    }

    let kind: Kind
    /// Whose, where recipients have different ones.
    let fallback: [UInt8]?

    /// A message gets one verdict, so only a user that all recipients share can be asked for.
    func name(for recipients: [Mailbox]) -> [UInt8]? {
        let names: Set<[UInt8]>
        switch kind {
        case .nobody: return fallback
        case .name(let name): return name
        case .recipient: names = Set(recipients.map(\.folded))
        case .localPart: names = Set(recipients.map { $0.localPart.asciiLowercased })
        }
        // A name is a folder to some servers, and these are not one of its own.
        let others = ["", ".", ".."].map { Array($0.utf8) }
        guard names.count == 1, let name = names.first, !others.contains(name) else {
            return fallback
        }
        return name
    }
}
