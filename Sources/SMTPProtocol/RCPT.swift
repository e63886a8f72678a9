// RCPT: one recipient.
// RFC 5321, section 4.1.1.3.
// SPDX-License-Identifier: MIT

import MailModel

extension ServerSession {
    mutating func rcpt(_ argument: ArraySlice<UInt8>) -> SessionStep {
        guard let transaction else { return failed(.needsMAIL) }
        self.transaction?.hasTriedRecipients = true
        guard argument.prefix(3).equalsIgnoringASCIICase("TO:".utf8) else {
            return failed(.badRCPT)
        }
        var rest = argument.dropFirst(3)
        let postmaster = postmaster(from: &rest)
        let mailbox: Mailbox
        do {
            if let postmaster {
                mailbox = postmaster
            } else {
                mailbox = try PathSyntax.forwardPath(from: &rest, limits: settings.paths)
            }
        } catch {
            return failed(error == .tooLong ? .longForwardPath : .badForwardPath)
        }
        if let reply = recipientParameters(rest) { return failed(reply) }
        // 452 and not 552, so that the client sends the rest in another transaction. RFC 5321,
        // section 4.5.3.1.10.
        guard transaction.acceptedRecipients < settings.recipients else {
            return .reply(.tooManyRecipients)
        }
        if let suffix = facts[.relay] { return admit(mailbox, suffix: suffix) }
        // Section 4.5.1: mail to the postmaster of this very host is always ours.
        if postmaster != nil { return judge(mailbox) }
        pending = .admission(mailbox)
        return .admit(mailbox)
    }

    /// The step after the driver said whether mail for a mailbox is accepted here.
    public mutating func admitted(_ admission: Admission) -> SessionStep {
        guard case .admission = pending else { return .reply(.outOfStep) }
        pending = .nothing
        switch admission {
        case .ours(let mailbox): return judge(mailbox)
        case .notOurs: return .reply(.relayingDenied)
        case .unknown: return .reply(.cannotTellRecipient)
        }
    }

    /// A client that may relay: RELAYCLIENT's value is appended to the recipient.
    private mutating func admit(_ mailbox: Mailbox, suffix: [UInt8]) -> SessionStep {
        guard let changed = try? Mailbox(mailbox.bytes + suffix) else {
            return failed(.longForwardPath)
        }
        return judge(changed)
    }

    private mutating func judge(_ mailbox: Mailbox) -> SessionStep {
        guard let transaction else { return .reply(.outOfStep) }
        if transaction.isDiscarded { return recipientJudged(.discard, mailbox) }
        pending = .recipient(mailbox)
        let envelope = Envelope(
            reversePath: transaction.envelope.reversePath, recipients: [mailbox])
        // Recipients that earlier steps added or removed are no matter of this one.
        return .judge(
            FilterRequest(
                stage: .rcpt, facts: facts, envelope: envelope,
                edits: pendingEdits.filter { !$0.changesRecipients }))
    }

    mutating func recipientJudged(_ verdict: Verdict, _ mailbox: Mailbox) -> SessionStep {
        guard var transaction else { return .reply(.outOfStep) }
        switch verdict {
        case .reject(let reply), .defer(let reply): return refused(reply)
        case .discard: break
        case .accept(let edits):
            // What a step does to its recipient is done to this one, not to a later one of the
            // same name.
            let single = Envelope(
                reversePath: transaction.envelope.reversePath, recipients: [mailbox])
            transaction.envelope.appendRecipients(of: edits.applied(to: single))
            transaction.edits += edits.filter { !$0.changesRecipients }
        }
        transaction.acceptedRecipients += 1
        self.transaction = transaction
        return .reply(.recipientOK)
    }

    /// `<Postmaster>` without a domain, which every server must accept.
    private func postmaster(from rest: inout ArraySlice<UInt8>) -> Mailbox? {
        let name = "<postmaster>"
        guard rest.prefix(name.utf8.count).equalsIgnoringASCIICase(name.utf8),
            let mailbox = try? Mailbox(Array("postmaster@\(settings.postmasterDomain)".utf8))
        else { return nil }
        rest = rest.dropFirst(name.utf8.count)
        return mailbox
    }
}

extension Edit {
    fileprivate var changesRecipients: Bool {
        switch self {
        case .addRecipient, .removeRecipient: true
        case .prepend, .remove, .reversePath, .replaceMessage, .note, .hold, .delay: false
        }
    }
}
