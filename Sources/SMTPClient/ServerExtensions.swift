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

    /// RFC 3030.
    public private(set) var chunking = false
    /// The mechanisms of AUTH, in upper case. RFC 4954.
    public private(set) var mechanisms: Set<String> = []
    /// The attributes of XCLIENT, in upper case: what the server believes of other clients.
    public private(set) var xclient: Set<String> = []
    /// Those of XFORWARD, which it logs.
    public private(set) var xforward: Set<String> = []
    /// The most recipients of a transaction, and the most transactions of a session. RFC 9422.
    public private(set) var maximumRecipients: Int?
    /// See `maximumRecipients`.
    public private(set) var maximumTransactions: Int?

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
            if isKeyword("CHUNKING") { chunking = true }
            if isKeyword("SIZE") {
                size = true
                let limit = words.dropFirst().first.flatMap(\.decimalValue) ?? 0
                maximumSize = limit > 0 ? limit : nil
            }
            if isKeyword("XCLIENT") { xclient = ServerExtensions.names(line.utf8.dropFirst(7)) }
            if isKeyword("XFORWARD") { xforward = ServerExtensions.names(line.utf8.dropFirst(8)) }
            if isKeyword("LIMITS") { words.dropFirst().forEach { takeLimit($0) } }
            // Some old servers write an equals sign.
            if isKeyword("AUTH") || keyword.prefix(5).equalsIgnoringASCIICase("AUTH=".utf8) {
                mechanisms.formUnion(ServerExtensions.names(line.utf8.dropFirst(5)))
            }
        }
    }

    private static func names(_ list: some Collection<UInt8>) -> Set<String> {
        Set(list.split(separator: 0x20).map { String(decoding: $0, as: UTF8.self).uppercased() })
    }

    /// A limit that is no number from 1 on is none that we could keep.
    private mutating func takeLimit(_ word: some Collection<UInt8>) {
        let parts = word.split(separator: 0x3D, maxSplits: 1)
        guard parts.count == 2, let number = parts[1].decimalValue, number > 0 else { return }
        if parts[0].equalsIgnoringASCIICase("RCPTMAX".utf8) { maximumRecipients = number }
        if parts[0].equalsIgnoringASCIICase("MAILMAX".utf8) { maximumTransactions = number }
    }
}
