// FilterExit: the exit codes of filters, filter-chain and queue-message.
// qmail-queue(8); filter-protocol(7).
// SPDX-License-Identifier: MIT

/// Why a program could not decide, queue or go on. Each has one exit code, and all but
/// `addressTooLong` are temporary to whoever called.
public enum FilterExit: Int32, CaseIterable, Sendable {
    /// Accepted.
    case accept = 0
    /// An address exceeds 1002 bytes; permanent.
    case addressTooLong = 11
    /// The verdict reject; permanent.
    case reject = 31
    /// Memory ran out.
    case outOfMemory = 51
    /// A time limit ran out.
    case timedOut = 52
    /// Something cannot be written, or the disk is full.
    case cannotWrite = 53
    /// Message or envelope cannot be read, or is cut short.
    case cannotRead = 54
    /// An option, a rule or a file is wrong.
    case badConfiguration = 55
    /// The network, a socket or a service behind it failed.
    case networkTrouble = 56
    /// The verdict defer.
    case `defer` = 71
    /// A defect of ours.
    case internalBug = 81
    /// Reject or defer, with the reason on descriptor 6 or 4; its first byte says which.
    case reason = 82
    /// Reject or defer, with the reason on the descriptor of `ERROR_FD`, else 2.
    case reasonOnErrorDescriptor = 88
    /// The envelope is malformed.
    case malformedEnvelope = 91
    /// The verdict discard in the shell, qfilter and chain conventions.
    case discard = 99

    /// True for the codes that qmail's clients take for a permanent failure: 11 to 40.
    public var isPermanent: Bool { (11...40).contains(rawValue) }
}
