// MilterPath: addresses and their parameters as commands of SMTP have them.
// RFC 5321, section 4.1.2.
// SPDX-License-Identifier: MIT

import MailModel
import SMTPProtocol

/// Paths in angle brackets.
enum MilterPath {
    /// The path of a mailbox; what has none in SMTP stands as it is.
    static func bytes(_ mailbox: Mailbox) -> [UInt8] {
        PathSyntax.path(of: mailbox, utf8: true) ?? [0x3C] + mailbox.bytes + [0x3E]
    }

    /// The reverse-path in brackets. qmail's sender of double bounces, `#@[]`, is nobody, too.
    static func bytes(_ path: ReversePath) -> [UInt8] {
        guard let mailbox = path.mailbox, mailbox.bytes != Array("#@[]".utf8) else {
            return [0x3C, 0x3E]
        }
        return bytes(mailbox)
    }

    /// The mailbox of a path, with brackets or without; nil when there is none.
    static func mailbox(_ path: [UInt8]) -> Mailbox? {
        let trimmed = Array(path.trimmed)
        let isBracketed = trimmed.first == 0x3C && trimmed.last == 0x3E && trimmed.count >= 2
        let bare = isBracketed ? Array(trimmed.dropFirst().dropLast()) : trimmed
        var bytes = ([0x3C] + bare + [0x3E])[...]
        if let mailbox = try? PathSyntax.forwardPath(from: &bytes, utf8: true), bytes.isEmpty {
            return mailbox
        }
        return try? Mailbox(bare)
    }

    /// The same where there may be nobody.
    static func reversePath(_ path: [UInt8]) -> ReversePath? {
        let trimmed = Array(path.trimmed)
        if trimmed.isEmpty || trimmed == [0x3C, 0x3E] { return .null }
        return mailbox(path).map(ReversePath.mailbox)
    }
}

extension Envelope {
    /// The parameters of MAIL.
    func parameters(_ facts: Facts) -> [[UInt8]] {
        var words: [[UInt8]] = []
        if let size = facts[.declaredSize] { words.append(Array("SIZE=".utf8) + size) }
        let body = options.bodyType.map { Array($0.rawValue.utf8) } ?? facts[.bodyType]
        if let body { words.append(Array("BODY=".utf8) + body) }
        if let ret = options.ret { words.append(Array("RET=\(ret.rawValue)".utf8)) }
        if let envid = options.envid { words.append(Array("ENVID=".utf8) + envid.xtext) }
        if options.smtputf8 { words.append(Array("SMTPUTF8".utf8)) }
        if options.requireTLS { words.append(Array("REQUIRETLS".utf8)) }
        return words
    }
}

extension RecipientOptions {
    /// The parameters of RCPT.
    var parameters: [[UInt8]] {
        var words: [[UInt8]] = []
        if let notify { words.append(Array("NOTIFY=\(notify.value)".utf8)) }
        if let orcpt { words.append(Array("ORCPT=".utf8) + orcpt.value) }
        return words
    }
}
