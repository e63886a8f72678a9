// PluginReply: what a plugin wants the client to be told.
// RFC 5321, section 4.2; RFC 3463; qmail's own form of the latter, `text (#5.7.1)`.
// SPDX-License-Identifier: MIT

import FilterKit
import MailModel

/// A reply line as plugins write it: three digits and a text.
struct PluginReply {
    let reply: Reply

    /// - Throws: `FilterError` when it does not begin with a code that refuses.
    init(_ line: [UInt8], _ plugin: String) throws(FilterError) {
        let digits = line.prefix(3)
        guard digits.allSatisfy(\.isASCIIDigit), let code = digits.decimalValue,
            (400...599).contains(code), line.dropFirst(3).first.map({ $0.isBlank }) ?? true
        else { throw FilterError(.defer, "plugin \(plugin) refuses without a code of 4xx or 5xx") }
        var text = line.dropFirst(3).drop(while: \.isBlank)
        let statusClass = UInt8(code / 100)
        var status = EnhancedStatus(statusClass, 7, 1)
        let word = text.prefix { !$0.isBlank }
        if let first = EnhancedStatus(word) {
            if first.statusClass == statusClass { status = first }
            text = text.dropFirst(word.count).drop(while: \.isBlank)
        } else if text.last == 0x29, let open = text.lastIndex(of: 0x28),
            text[open...].dropFirst().first == 0x23,
            let last = EnhancedStatus(text[open...].dropFirst(2).dropLast())
        {
            if last.statusClass == statusClass { status = last }
            text = text[..<open]
            while text.last?.isBlank == true { text = text.dropLast() }
        }
        reply = Reply(UInt16(code), status, text.isEmpty ? "refused" : text.printable)
    }

    /// The same where the session is to end: 421 where the client may come again, which ends it;
    /// else the code, since a refusal for good must be heard.
    var closing: Reply {
        reply.isPermanent ? reply : Reply(421, reply.status, reply.text)
    }

    /// What stands for no reply at all.
    static let silence = Reply(421, EnhancedStatus(4, 7, 0), "closing the connection")
}
