// ClientSession+TLS: from clear words to TLS, at once or by STARTTLS.
// RFC 3207; RFC 8314, section 3.3.
// SPDX-License-Identifier: MIT

public import SMTPProtocol

/// What a server makes of the wish for TLS.
public enum StartTLSAnswer: Hashable, Sendable {
    /// The session goes on under TLS, and EHLO was said anew.
    case secured
    /// It did not offer it: nothing was asked, and the session can go on in clear.
    case notOffered
    /// It refused with this reply; the session can go on in clear.
    case refused(SMTPReply)
}

extension ClientSession {
    /// Begins with TLS, before the server's greeting. Then comes `open`.
    /// - Throws: `ClientError`; the session is of no use then.
    public mutating func beginTLS(_ layer: any SecureLayer) throws(ClientError) {
        isBroken = true
        try line.shakeHands(layer)
        isBroken = false
        isSecured = true
    }

    /// Asks for TLS after `open`, and says EHLO anew under it: what was offered before counts for
    /// nothing any more (RFC 3207, section 4.2). The name is what `open` was told.
    /// - Returns: what the server made of it.
    /// - Throws: `ClientError`; the session is of no use then.
    public mutating func startTLS(
        _ layer: any SecureLayer, as name: [UInt8]
    ) throws(ClientError) -> StartTLSAnswer {
        guard extensions.startTLS, !isSecured else { return .notOffered }
        isBroken = true
        let answer = try ask(Array("STARTTLS".utf8), .startTLS)
        guard answer.code == 220 else {
            guard answer.replyClass >= 4 else { throw .unexpected(.startTLS, answer) }
            isBroken = false
            return .refused(answer)
        }
        // What came in clear behind that answer was said by who knows whom. Where it is there
        // already it is seen here; where it comes later it is no TLS.
        try requireSilence(.startTLS)
        try line.shakeHands(layer)
        isSecured = true
        extensions = ServerExtensions()
        try sayHello(name)
        isBroken = false
        return .secured
    }
}
