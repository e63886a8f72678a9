// Stage: the moments of a session at which a step of the chain may judge.
// filters.d(5).
// SPDX-License-Identifier: MIT

/// A moment of an SMTP session. The order of the cases is the order of a session.
public enum Stage: String, CaseIterable, Sendable, Comparable {
    /// A client connected; nothing but its address is known.
    case connect
    /// HELO or EHLO was given.
    case helo
    /// MAIL was given: the reverse-path is known.
    case mail
    /// RCPT was given: the envelope holds the reverse-path and this one recipient.
    case rcpt
    /// DATA was given: the envelope is whole, the message is not there.
    case data
    /// The message is there, whole.
    case message

    /// Earlier in a session is less.
    public static func < (one: Stage, other: Stage) -> Bool { one.order < other.order }

    private var order: Int { Stage.allCases.firstIndex(of: self) ?? Stage.allCases.count }
}
