// EHLO: the client says who it is and is told what it may use.
// RFC 5321, section 4.1.1.1.
// SPDX-License-Identifier: MIT

import MailModel

extension ServerSession {
    mutating func ehlo(_ argument: ArraySlice<UInt8>) -> SessionStep {
        hello(HELOCandidate(name: Array(argument), isExtended: true))
    }

    func ehloReply(_ name: [UInt8]) -> SMTPReply {
        let client = facts[.clientIP].map { " [\($0.printable)]" } ?? ""
        let greeting = "\(settings.name) Hello \(name.printable)\(client)"
        return SMTPReply(250, nil, lines: [greeting] + extensions)
    }

    /// The keywords of the extensions, one line each. ENHANCEDSTATUSCODES and PIPELINING have no
    /// command or parameter of their own: every reply has its status (RFC 2034), and commands
    /// are taken one by one from whatever has arrived (RFC 2920).
    private var extensions: [String] {
        let behind = settings.behind
        var keywords = ["PIPELINING", sizeKeyword]
        if behind.eightBitMIME { keywords.append("8BITMIME") }
        if behind.smtputf8 { keywords.append("SMTPUTF8") }
        keywords.append("CHUNKING")
        if behind.dsn { keywords.append("DSN") }
        keywords += ["ENHANCEDSTATUSCODES", "PRDR", limitsKeyword]
        if tls == nil, settings.offersTLS, claimed == nil { keywords.append("STARTTLS") }
        if tls != nil, settings.offersRequireTLS { keywords.append("REQUIRETLS") }
        if !mechanisms.isEmpty {
            keywords.append("AUTH " + mechanisms.joined(separator: " "))
        }
        if settings.allowsXCLIENT {
            keywords.append("XCLIENT " + Claim.attributes.joined(separator: " "))
        }
        if settings.allowsXFORWARD {
            let names = ServerSession.forwardedAttributes.joined(separator: " ")
            keywords.append("XFORWARD \(names)")
        }
        return keywords + ["HELP"]
    }
}
