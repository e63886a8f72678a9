// RecipientSource: what every source of mailboxes is to those that ask.
// rcpt-validate(8).
// SPDX-License-Identifier: MIT

public import Control
public import MailModel

/// Why a source cannot say whether a mailbox exists. Whoever asks defers (451 4.3.0): it is never
/// taken for "there is no such mailbox".
public enum SourceError: Error, Hashable, Sendable, CustomStringConvertible {
    /// A file of the source cannot be read, or contradicts itself.
    case unusable(ControlError)
    /// A server that the source asks does not answer, or not with sense.
    case unreachable(source: String, reason: String)

    /// One line: what cannot be used, and why.
    public var description: String {
        switch self {
        case .unusable(let error): "\(error)"
        case .unreachable(let source, let reason): "\(source): \(reason)"
        }
    }
}

/// What was looked at, for `--explain`. Nothing is composed unless somebody wants it.
public struct SourceTrail: Sendable {
    private let isWanted: Bool
    /// One line for each thing that was looked at, in order.
    public private(set) var lines: [String] = []

    /// A trail that keeps its lines, or one that drops them.
    public init(isWanted: Bool) { self.isWanted = isWanted }

    /// Adds a line such as `users/cdb: !example.test- is /home/vpopmail/domains/example.test`.
    public mutating func note(_ line: @autoclosure () -> String) {
        if isWanted { lines.append(line()) }
    }
}

/// One source of mailboxes. A value serves one process and one request at a time.
///
/// It is made before workers are forked. Files may be opened and read by then; a connection is
/// opened at the first question and again when it was lost, so that no two workers share one.
/// A source only reads: it creates, changes and removes no file.
public protocol RecipientSource {
    /// What logs call it, such as `file:/etc/chainmail/control/mailboxes`: without any secret.
    var label: String { get }

    /// Says what it knows of a mailbox, byte for byte as the envelope has it. Case is folded as
    /// the programs fold it whose files these are.
    ///
    /// `.unknownDomain` means "not mine, ask the next one"; a source that decides for every domain
    /// never answers it. Where the settings name extensions, they are the source's to apply
    /// (`SourceSettings.candidates`), since the order of extension and catch-all is its own.
    mutating func find(
        _ mailbox: Mailbox, _ trail: inout SourceTrail
    ) throws(SourceError) -> Presence

    /// Says what to do with mail for a mailbox, for deliver-local(8). It looks into nothing that
    /// is a user's: root asks.
    mutating func destination(
        of mailbox: Mailbox, _ trail: inout SourceTrail
    ) throws(SourceError) -> LocalAnswer
}

extension RecipientSource {
    /// Says what it knows of a mailbox, without a trail.
    public mutating func find(_ mailbox: Mailbox) throws(SourceError) -> Presence {
        var trail = SourceTrail(isWanted: false)
        return try find(mailbox, &trail)
    }
}

/// Runs what reads files; what is wrong with them is wrong with the source.
func reading<Result>(
    _ body: () throws(ControlError) -> Result
) throws(SourceError) -> Result {
    do throws(ControlError) { return try body() } catch { throw .unusable(error) }
}
