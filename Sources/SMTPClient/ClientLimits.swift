// ClientLimits: how long a client waits at each step, and for the whole.
// RFC 5321, section 4.5.3.2.
// SPDX-License-Identifier: MIT

public import UnixIO

/// What the client waits for.
public enum ClientStep: String, Sendable, CaseIterable {
    /// The server's first words.
    case greeting
    /// The reply to EHLO.
    case ehlo = "EHLO"
    /// The reply to HELO.
    case helo = "HELO"
    /// The reply to STARTTLS.
    case startTLS = "STARTTLS"
    /// That both ends agree on TLS.
    case handshake = "the TLS handshake"
    /// The replies to AUTH.
    case auth = "AUTH"
    /// The reply to XCLIENT or XFORWARD.
    case client = "XCLIENT or XFORWARD"
    /// The reply to MAIL.
    case mail = "MAIL"
    /// The reply to RCPT.
    case rcpt = "RCPT"
    /// The reply to DATA.
    case data = "DATA"
    /// That a piece of the message is taken.
    case message = "the message"
    /// The reply to the final dot.
    case finalDot = "the final dot"
    /// The reply to RSET.
    case rset = "RSET"
    /// The reply to QUIT.
    case quit = "QUIT"
}

/// Time limits. A reply must be whole by its limit, however its bytes drip in.
public struct ClientLimits: Sendable {
    /// Instead of the limits of RFC 5321, for every step but QUIT; nil: those of the RFC.
    public var step: Duration?
    /// When all must be over.
    public var deadline: Deadline

    /// Limits of these parts.
    public init(step: Duration? = nil, deadline: Deadline = .never) {
        self.step = step
        self.deadline = deadline
    }

    /// The deadline of a step that begins now.
    func deadline(of step: ClientStep) -> Deadline {
        min(deadline, .after(step == .quit ? .seconds(2) : self.step ?? standard(step)))
    }

    /// RFC 5321, sections 4.5.3.2.1 to 4.5.3.2.6.
    private func standard(_ step: ClientStep) -> Duration {
        switch step {
        case .greeting, .ehlo, .helo, .startTLS, .auth, .client, .mail, .rcpt, .rset: .seconds(300)
        case .data, .handshake: .seconds(120)
        case .message: .seconds(180)
        case .finalDot: .seconds(600)
        case .quit: .seconds(2)
        }
    }
}
