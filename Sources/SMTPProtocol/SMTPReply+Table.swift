// The replies that the state machine can give by itself; all others are verdicts.
// RFC 5321, section 4.2.3, and RFC 3463.
// SPDX-License-Identifier: MIT

import MailModel

extension SMTPReply {
    static let ok = SMTPReply(250, .init(2, 0, 0), "Ok")
    static let bye = SMTPReply(221, .init(2, 0, 0), "Bye")
    static let startMessage = SMTPReply(354, nil, "End the message with CRLF . CRLF")
    static let reversePathOK = SMTPReply(250, .init(2, 1, 0), "Reverse-path ok")
    static let recipientOK = SMTPReply(250, .init(2, 1, 5), "Recipient ok")
    static let notVerified = SMTPReply(
        252, .init(2, 0, 0), "Mailboxes are not verified here; try to send")

    static let unknownCommand = SMTPReply(500, .init(5, 5, 2), "Unknown command")
    static let lineTooLong = SMTPReply(500, .init(5, 5, 2), "Line too long")
    static let bareLineFeed = SMTPReply(500, .init(5, 5, 2), "A line must end in CRLF")
    static let controlCharacter = SMTPReply(
        500, .init(5, 5, 2), "Control character in a command")
    static let notImplemented = SMTPReply(502, .init(5, 5, 1), "Command not implemented")
    static let refusedSession = SMTPReply(503, .init(5, 5, 1), "Only QUIT is left")
    static let noArgument = SMTPReply(501, .init(5, 5, 4), "This command takes no argument")
    static let needsArgument = SMTPReply(501, .init(5, 5, 4), "An argument is missing")
    static let badName = SMTPReply(501, .init(5, 5, 4), "That is no domain or address literal")

    static let needsHELO = SMTPReply(503, .init(5, 5, 1), "Say EHLO or HELO first")
    static let needsMAIL = SMTPReply(503, .init(5, 5, 1), "Say MAIL first")
    static let needsRCPT = SMTPReply(503, .init(5, 5, 1), "Say RCPT first")
    static let nestedMAIL = SMTPReply(503, .init(5, 5, 1), "A reverse-path was already given")
    static let noValidRecipient = SMTPReply(554, .init(5, 5, 1), "No valid recipients")

    static let messageBegun = SMTPReply(503, .init(5, 5, 1), "The message has begun with BDAT")
    static let badBDAT = SMTPReply(501, .init(5, 5, 4), "Syntax: BDAT size [LAST]")
    static let lostChunk = SMTPReply(
        421, .init(4, 5, 4), "BDAT without its size; nobody can tell where commands go on")
    static let badXFORWARD = SMTPReply(
        501, .init(5, 5, 4), "Syntax: XFORWARD attribute=value")
    static let forwardedOK = SMTPReply(250, .init(2, 0, 0), "Ok")
    static let badXCLIENT = SMTPReply(501, .init(5, 5, 4), "Syntax: XCLIENT attribute=value")
    static let repliesFollow = SMTPReply(353, nil, "One reply for each recipient, then one for all")
    static let needsSMTPUTF8 = SMTPReply(553, .init(5, 6, 7), "This address is for SMTPUTF8 only")
    static let tooManyTransactions = SMTPReply(421, .init(4, 7, 0), "Too many messages; come again")

    static let badMAIL = SMTPReply(501, .init(5, 5, 4), "Syntax: MAIL FROM:<address>")
    static let badRCPT = SMTPReply(501, .init(5, 5, 4), "Syntax: RCPT TO:<address>")
    static let badReversePath = SMTPReply(501, .init(5, 1, 7), "Bad reverse-path")
    static let badForwardPath = SMTPReply(501, .init(5, 1, 3), "Bad forward-path")
    static let longReversePath = SMTPReply(501, .init(5, 1, 7), "Reverse-path too long")
    static let longForwardPath = SMTPReply(501, .init(5, 1, 3), "Forward-path too long")
    static let badParameter = SMTPReply(501, .init(5, 5, 4), "Bad parameter")
    static let repeatedParameter = SMTPReply(501, .init(5, 5, 4), "A parameter is given twice")
    static let unknownParameter = SMTPReply(555, .init(5, 5, 4), "Unknown parameter")

    static let startTLS = SMTPReply(220, .init(2, 0, 0), "Go ahead")
    static let alreadyTLS = SMTPReply(503, .init(5, 5, 1), "TLS is already there")
    static let needsTLS = SMTPReply(530, .init(5, 7, 0), "Say STARTTLS first")
    static let needsEHLO = SMTPReply(503, .init(5, 5, 1), "Say EHLO first")
    static let tlsUnavailable = SMTPReply(454, .init(4, 7, 0), "TLS is not available now")

    static let authenticated = SMTPReply(235, .init(2, 7, 0), "Authenticated")
    static let needsAuthentication = SMTPReply(530, .init(5, 7, 0), "Authenticate first")
    static let alreadyAuthenticated = SMTPReply(503, .init(5, 5, 1), "Already authenticated")
    static let inTransaction = SMTPReply(
        503, .init(5, 5, 1), "Not between MAIL and the end of its message")
    static let foreignReversePath = SMTPReply(
        553, .init(5, 7, 1), "This reverse-path is not yours")
    static let badAUTH = SMTPReply(501, .init(5, 5, 4), "Syntax: AUTH mechanism")
    static let badBase64 = SMTPReply(501, .init(5, 5, 2), "That is not base64")
    static let cancelled = SMTPReply(501, .init(5, 7, 0), "Authentication cancelled")
    static let longResponse = SMTPReply(500, .init(5, 5, 6), "Line too long")
    static let unknownMechanism = SMTPReply(504, .init(5, 5, 4), "Unknown mechanism")
    static let needsEncryption = SMTPReply(
        538, .init(5, 7, 11), "This mechanism is for use under TLS")
    static let authUnavailable = SMTPReply(.authUnavailable)

    static let relayingDenied = SMTPReply(550, .init(5, 7, 1), "Relaying denied")
    static let cannotTellRecipient = SMTPReply(
        451, .init(4, 3, 0), "Cannot tell whether this is ours; try again later")
    static let tooManyRecipients = SMTPReply(452, .init(4, 5, 3), "Too many recipients")
    static let messageTooBig = SMTPReply(.messageTooBig)
    static let outOfStep = SMTPReply(451, .init(4, 3, 0), "Local error")

    static let tooManyCommands = SMTPReply(421, .init(4, 7, 0), "Too many commands")
    static let tooManyErrors = SMTPReply(421, .init(4, 7, 0), "Too many errors")
}

extension Reply {
    /// A message is over the limit, by what MAIL declares or by what came.
    public static let messageTooBig = Reply(552, EnhancedStatus(5, 3, 4), "Message too big")
    /// Nobody can say now whether a login is right.
    public static let authUnavailable = Reply(
        454, EnhancedStatus(4, 7, 0), "Authentication is not available now")
}

extension ServerSession {
    /// Why a session ends that neither side has ended with QUIT.
    public enum EndReason: Sendable {
        /// The client was silent for too long, or the session took too long.
        case timedOut
        /// This server stops.
        case shuttingDown
        /// Too many others wait.
        case crowdedOut
        /// This server cannot go on.
        case trouble
    }

    /// The last reply of a session that ends for this reason.
    public func farewell(_ reason: EndReason) -> SMTPReply {
        ServerSession.farewell(reason, name: settings.name)
    }

    /// The same of a host of this name.
    public static func farewell(_ reason: EndReason, name: String) -> SMTPReply {
        switch reason {
        case .timedOut: SMTPReply(421, .init(4, 4, 2), "\(name) Time limit exceeded")
        case .shuttingDown: SMTPReply(421, .init(4, 3, 2), "\(name) Going down")
        case .crowdedOut:
            SMTPReply(421, .init(4, 7, 0), "\(name) Too many clients wait, try again later")
        case .trouble: SMTPReply(421, .init(4, 3, 0), "\(name) Local error")
        }
    }
}
