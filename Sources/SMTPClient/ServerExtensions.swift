// ServerExtensions: what a server offers in its reply to EHLO.
// RFC 5321, section 4.1.1.1.
// SPDX-License-Identifier: MIT

import MailModel
public import SMTPProtocol

/// The extensions that we use, where they are offered.
public struct ServerExtensions: Hashable, Sendable {
    /// RFC 2920.
    public private(set) var pipelining = false
    /// RFC 6152.
    public private(set) var eightBitMIME = false
    /// RFC 3461.
    public private(set) var dsn = false
    /// RFC 6531.
    public private(set) var smtputf8 = false
    /// RFC 3207.
    public private(set) var startTLS = false
    /// RFC 8689.
    public private(set) var requireTLS = false
    /// RFC 1870.
    public private(set) var size = false
    /// The most bytes that the server takes; nil when it does not say, or says 0.
    public private(set) var maximumSize: Int?

    /// None, as after HELO.
    public init() {}

    /// Reads the reply to EHLO, whose first line is the server's name.
    public init(_ reply: SMTPReply) {
        for line in reply.lines.dropFirst() {
            let words = line.utf8.split(separator: 0x20)
            guard let keyword = words.first else { continue }
            let isKeyword = { (name: String) in keyword.equalsIgnoringASCIICase(name.utf8) }
            if isKeyword("PIPELINING") { pipelining = true }
            if isKeyword("8BITMIME") { eightBitMIME = true }
            if isKeyword("DSN") { dsn = true }
            if isKeyword("SMTPUTF8") { smtputf8 = true }
            if isKeyword("STARTTLS") { startTLS = true }
            if isKeyword("REQUIRETLS") { requireTLS = true }
            if isKeyword("SIZE") {
                size = true
                let limit = words.dropFirst().first.flatMap(\.decimalValue) ?? 0
                maximumSize = limit > 0 ? limit : nil
            }
        }
    }
}
