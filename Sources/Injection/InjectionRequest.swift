// InjectionRequest: what a command line asks for, whichever program's it is.
// mail-inject(8).
// SPDX-License-Identifier: MIT

import MailModel

/// Whose manners a call has: options, exit codes, how addresses on the command line are read.
public enum InjectionStyle: Sendable {
    /// qmail-inject's.
    case qmail
    /// sendmail's.
    case sendmail
}

/// A message to inject.
public struct InjectionRequest: Hashable, Sendable {
    /// Where recipients are taken from.
    public enum Recipients: Hashable, Sendable {
        /// The command line alone.
        case arguments
        /// The header alone.
        case header
        /// Both.
        case both
        /// The command line when it has any, else the header.
        case either
    }

    /// Where recipients are taken from.
    public var recipients = Recipients.either
    /// The addresses on the command line.
    public var arguments: [[UInt8]] = []
    /// The reverse-path; empty or `<>` for the null one.
    public var sender: [UInt8]?
    /// The name of a From field that is added.
    public var fullName: [UInt8]?
    /// True when the message is written to descriptor 1 instead.
    public var isPrinted = false
    /// True when a line that is a dot alone ends the message.
    public var endsAtDot = false
    /// What NOTIFY, RET and ENVID would say.
    public var notify: Notify?
    /// How much a report returns.
    public var ret: ReturnedContent?
    /// The sender's name for the message.
    public var envid: EnvelopeID?

    /// A request without anything.
    public init() {}
}

/// What a command line asks for.
public enum Invocation: Hashable, Sendable {
    /// A message from descriptor 0.
    case message(InjectionRequest)
    /// `-bs`: an SMTP session on descriptors 0 and 1.
    case session
    /// `-bp`, mailq: the queue, for people.
    case list
    /// `-q`: everything is due now.
    case flush
    /// `-bi`, newaliases: the aliases file is compiled, where there is one.
    case aliases
}

/// Why a message was not injected, in the manner of sysexits(3).
public enum InjectionError: Error, Hashable, CustomStringConvertible {
    /// The command line is wrong.
    case usage(String)
    /// The message or an address is.
    case data(String)
    /// It was refused for good.
    case refused(String)
    /// Not now.
    case temporary(String)
    /// A control file, or a program that is missing.
    case configuration(String)

    /// What went wrong.
    public var description: String {
        switch self {
        case .usage(let text), .data(let text), .refused(let text), .temporary(let text),
            .configuration(let text):
            text
        }
    }

    /// The exit code: sysexits for sendmail; for qmail-inject 100 when it will never do, else 111.
    public func exit(_ style: InjectionStyle) -> Int32 {
        switch (style, self) {
        case (.sendmail, .usage): 64
        case (.sendmail, .data): 65
        case (.sendmail, .refused): 69
        case (.sendmail, .temporary): 75
        case (.sendmail, .configuration): 78
        case (.qmail, .usage), (.qmail, .data), (.qmail, .refused): 100
        case (.qmail, .temporary), (.qmail, .configuration): 111
        }
    }
}
