// TraceField: the Received field that this server puts on a message.
// RFC 5321, section 4.4.
// SPDX-License-Identifier: MIT

import MailModel
import MailQueue
import SMTPProtocol

/// What the field tells; its text follows from it.
struct TraceField {
    let facts: Facts
    /// Our name.
    let name: String
    let id: QueueID
    /// Named only when it is the only one: section 7.2 warns of telling one recipient of others.
    let recipients: [Mailbox]
    /// True when the message may hold UTF-8 in its header. RFC 6531, section 3.7.3.
    var isUTF8 = false
    /// Seconds since 1970-01-01 UTC.
    let time: Int

    /// The field; nil never happens, but for a body that is no legal field.
    var field: HeaderField? { HeaderField(Array("Received".utf8), body) }

    private var body: [UInt8] {
        var body = Array("from ".utf8)
        body += neutral(.helo)
        body += " (".utf8 + neutral(.clientName) + " \(address))".utf8
        body += "\n\tby \(name) with \(facts[.protocolName]?.printable ?? "SMTP")".utf8
        if let version = facts[.tlsVersion] { body += " (\(version.printable))".utf8 }
        body += " id \(id)".utf8
        if recipients.count == 1,
            let path = recipients.first.flatMap({ PathSyntax.path(of: $0, utf8: isUTF8) })
        {
            body += "\n\tfor ".utf8
            body += path
        }
        // RFC 8314, section 4.3.
        if let cipher = facts[.tlsCipher] { body += "\n\ttls \(cipher.printable)".utf8 }
        body += ";\n\t\(MailDate(seconds: time))".utf8
        return body
    }

    /// A name that a proxy or the environment gave is none of our making: what would end it in the
    /// grammar of the field becomes `?`.
    private func neutral(_ name: FactName) -> [UInt8] {
        let special = "()<>@,;\\\"".utf8
        return (facts[name] ?? Array("unknown".utf8)).map { byte in
            (0x21...0x7E).contains(byte) && !special.contains(byte) ? byte : 0x3F
        }
    }

    private var address: String { facts.clientIP?.literal ?? "[unknown]" }
}
