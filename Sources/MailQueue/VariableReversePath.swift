// VariableReversePath: reverse-paths that end in `-@[]`, one for each recipient.
// qmail-send's senderadd; VERP.
// SPDX-License-Identifier: MIT

import MailModel

extension ReversePath {
    private static let mark = Array("-@[]".utf8)

    /// True for `list-@host-@[]`: each recipient's delivery has a reverse-path of its own.
    var isVariable: Bool { bytes.suffix(4).elementsEqual(ReversePath.mark) }

    /// `list-@host`, where reports go that are about all recipients.
    var withoutMark: ReversePath {
        guard isVariable else { return self }
        return (try? ReversePath(bytes.dropLast(4))) ?? .null
    }

    /// `list-bob=remote.test@host` for the recipient `bob@remote.test`; the path itself when it is
    /// not variable or has no domain, and without its mark when the recipient has none, or when the
    /// outcome is too long for an envelope.
    func expanded(for recipient: Mailbox) -> ReversePath {
        guard isVariable, let base = withoutMark.mailbox, let host = base.domain else {
            return self
        }
        guard let domain = recipient.domain else { return withoutMark }
        let local = base.localPart + recipient.localPart + [0x3D] + domain
        return (try? ReversePath(local + [0x40] + host)) ?? withoutMark
    }
}

extension Envelope {
    /// The envelope of one delivery: with the reverse-path for its one recipient where that is
    /// variable.
    var withExpandedReversePath: Envelope {
        guard reversePath.isVariable, recipients.count == 1, let recipient = recipients.first else {
            return self
        }
        var result = self
        result.reversePath = reversePath.expanded(for: recipient)
        return result
    }
}
