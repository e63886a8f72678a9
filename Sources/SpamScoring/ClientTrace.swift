// ClientTrace: a Received field for spamd, which knows of a client only what such a field says.
// RFC 5321, section 4.4; Source: SpamAssassin Message/Metadata/Received.pm.
// SPDX-License-Identifier: MIT

import Glibc
public import MailModel

/// What our server's own field would say of the client, in a form that SpamAssassin reads.
public struct ClientTrace: Sendable {
    private let facts: Facts
    private let host: [UInt8]
    private let seconds: Int

    /// A field by the server of this name.
    public init(_ facts: Facts, host: [UInt8], seconds: Int) {
        self.facts = facts
        self.host = host
        self.seconds = seconds
    }

    /// The field with its line end; nil where no client is known.
    public var field: [UInt8]? {
        guard let client = facts.clientIP else { return nil }
        var body = Array("from ".utf8) + neutral(facts[.helo])
        body += Array(" (".utf8) + neutral(facts[.clientName])
        body += " \(client.literal))\n\tby ".utf8
        body += neutral(facts[.localName] ?? host) + Array(" with \(transmission)".utf8)
        if let id = facts[.message] { body += Array(" id ".utf8) + neutral(id) }
        body += ";\n\t\(date)\n".utf8
        return Array("Received: ".utf8) + body
    }

    /// RFC 3848: the A at the end is what says that the client is known.
    private var transmission: String {
        let known = facts[.protocolName].map { String(decoding: neutral($0), as: UTF8.self) }
        let isSecure = facts[.tlsVersion] != nil
        return known ?? "ESMTP" + (isSecure ? "S" : "") + (facts[.authUser] == nil ? "" : "A")
    }

    /// What would end a word in the grammar of the field becomes `?`.
    private func neutral(_ word: [UInt8]?) -> [UInt8] {
        let special = "()<>@,;\\\"".utf8
        let bytes = word.map { Array($0.prefix(255)) } ?? []
        return (bytes.isEmpty ? Array("unknown".utf8) : bytes).map { byte in
            (0x21...0x7E).contains(byte) && !special.contains(byte) ? byte : 0x3F
        }
    }

    /// RFC 5322, section 3.3. No locale is ever set, so the names are English.
    private var date: String {
        var time = time_t(seconds)
        var parts = tm()
        gmtime_r(&time, &parts)
        var buffer = [CChar](repeating: 0, count: 64)
        let length = strftime(&buffer, buffer.count, "%a, %d %b %Y %H:%M:%S +0000", &parts)
        return String(decoding: buffer.prefix(length).map(UInt8.init(bitPattern:)), as: UTF8.self)
    }
}
