// Injector: who injects a message, as the environment says.
// qmail-inject(8), section on environment variables.
// SPDX-License-Identifier: MIT

import Glibc
import MailModel
import UnixIO

/// The user and his wishes.
public struct Injector: Hashable, Sendable {
    /// The local-part of a From field that is added, and the domain; nil: the default host.
    public var user: [UInt8]
    /// The domain that goes with `user`.
    public var host: [UInt8]?
    /// The same for the reverse-path.
    public var senderUser: [UInt8]
    /// The domain that goes with `senderUser`.
    public var senderHost: [UInt8]?
    /// The name in such a From field.
    public var fullName: [UInt8]?
    /// The letters of `QMAILINJECT`.
    private let wishes: Set<UInt8>

    /// Reads the environment. Without a name in it the user is the one of this process by the file
    /// `passwd`, which is read directly, and `anonymous` when that does not have him.
    public init(passwd: String = "/etc/passwd") {
        func first(_ names: String...) -> [UInt8]? {
            names.lazy.compactMap { Environment.bytes($0) }.first { !$0.isEmpty }
        }
        let named = first("QMAILUSER", "MAILUSER", "USER", "LOGNAME")
        let account = named == nil ? Injector.account(in: passwd) : nil
        user = named ?? account?.name ?? Array("anonymous".utf8)
        host = first("QMAILHOST", "MAILHOST")
        senderUser = first("QMAILSUSER") ?? user
        senderHost = first("QMAILSHOST") ?? host
        fullName = first("QMAILNAME", "MAILNAME", "NAME") ?? account?.fullName
        wishes = Set(Environment.bytes("QMAILINJECT") ?? [])
    }

    /// `c`: the name of the From field is a comment.
    var namesByComment: Bool { wishes.contains(0x63) }
    /// `s`: a Return-Path field is not heeded.
    var dropsReturnPath: Bool { wishes.contains(0x73) }
    /// `f`: a From field is replaced.
    var dropsFrom: Bool { wishes.contains(0x66) }
    /// `i`: a Message-ID is replaced.
    var dropsMessageID: Bool { wishes.contains(0x69) }
    /// `r`: each recipient has a reverse-path of its own.
    var isPerRecipient: Bool { wishes.contains(0x72) }
    /// `m`: each message has.
    var isPerMessage: Bool { wishes.contains(0x6D) }

    private static func account(
        in passwd: String
    ) -> (name: [UInt8], fullName: [UInt8]?)? {
        guard let bytes = try? Files.contents(of: passwd, limit: 16 << 20) else { return nil }
        let uid = Int(getuid())
        for line in bytes.split(separator: 0x0A) {
            let fields = line.split(separator: 0x3A, omittingEmptySubsequences: false)
            guard fields.count == 7, fields[2].decimalValue == uid, !fields[0].isEmpty else {
                continue
            }
            // The rooms and telephones after a comma are nobody's business.
            let words = Array(fields[4].prefix { $0 != 0x2C }.trimmed)
            return (Array(fields[0]), words.isEmpty ? nil : words)
        }
        return nil
    }
}
