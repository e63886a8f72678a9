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
        guard transaction.octets == nil else { return failed(.messageBegun) }
        var rest = argument.dropFirst(3)
        let postmaster = postmaster(from: &rest)
        var candidate: RecipientCandidate
        do {
            if let postmaster {
                candidate = RecipientCandidate(mailbox: postmaster)
            } else {
                candidate = RecipientCandidate(
                    mailbox: try PathSyntax.forwardPath(
                        from: &rest, limits: settings.paths, utf8: true))
            }
        } catch {
            return failed(error == .tooLong ? .longForwardPath : .badForwardPath)
        }
        if let reply = recipientParameters(rest, &candidate.options) { return failed(reply) }
        if !transaction.envelope.options.smtputf8,
            ServerSession.isBeyondASCII(candidate.mailbox.bytes)
        {
            return failed(.needsSMTPUTF8)
        }
        // 452 and not 552, so that the client sends the rest in another transaction. RFC 5321,
        // section 4.5.3.1.10.
        guard transaction.acceptedRecipients < settings.recipients else {
            return .reply(.tooManyRecipients)
        }
        candidate.mailbox = withoutOurAddress(candidate.mailbox)
        if let suffix = facts[.relay] { return admit(candidate, suffix: suffix) }
        // Section 4.5.1: mail to the postmaster of this very host is always ours.
        if postmaster != nil { return judge(candidate) }
        // Who has us for a filter has said yes already.
        if settings.allowsXFORWARD { return judge(candidate) }
        pending = .admission(candidate)
        return .admit(candidate.mailbox)
    }

    /// The step after the driver said whether mail for a mailbox is accepted here.
    public mutating func admitted(_ admission: Admission) -> SessionStep {
        guard case .admission(var candidate) = pending else { return .reply(.outOfStep) }
        pending = .nothing
        switch admission {
        case .ours(let mailbox):
            candidate.mailbox = mailbox
            return judge(candidate)
        case .notOurs: return .reply(.relayingDenied)
        case .unknown: return .reply(.cannotTellRecipient)
        }
    }

    /// A client that may relay: RELAYCLIENT's value is appended to the recipient.
    private mutating func admit(_ candidate: RecipientCandidate, suffix: [UInt8]) -> SessionStep {
        guard !suffix.isEmpty else { return judge(candidate) }
        guard let changed = try? Mailbox(candidate.mailbox.bytes + suffix) else {
            return failed(.longForwardPath)
        }
        return judge(RecipientCandidate(mailbox: changed, options: candidate.options))
    }

    private mutating func judge(_ candidate: RecipientCandidate) -> SessionStep {
        guard let transaction else { return .reply(.outOfStep) }
        if let refusal = transaction.refusal { return .reply(refusal) }
        if transaction.isDiscarded { return recipientJudged(.discard, candidate) }
        pending = .recipient(candidate)
        // Recipients that earlier steps added or removed are no matter of this one.
        return .judge(
            FilterRequest(
                stage: .rcpt, facts: facts, envelope: transaction.envelope(of: candidate),
                edits: pendingEdits.filter { !$0.changesRecipients }))
    }

    mutating func recipientJudged(
        _ verdict: Verdict, _ candidate: RecipientCandidate
    ) -> SessionStep {
        guard var transaction else { return .reply(.outOfStep) }
        switch verdict {
        case .reject(let reply), .defer(let reply): return refused(reply)
        case .discard: break
        case .accept(let edits):
            // What a step does to its recipient is done to this one, not to a later one of the
            // same name.
            let single = edits.applied(to: transaction.envelope(of: candidate))
            transaction.envelope.appendRecipients(of: single)
            transaction.edits += edits.filter { !$0.changesRecipients }
            if settings.passes, !single.recipients.isEmpty {
                return pass(transaction, adding: single)
            }
        }
        transaction.acceptedRecipients += 1
        self.transaction = transaction
        return .reply(.recipientOK)
    }

    /// A recipient at the address that the client is connected to is one at our name. Source:
    /// qmail-smtpd.c, localiphost.
    private func withoutOurAddress(_ mailbox: Mailbox) -> Mailbox {
        guard let domain = mailbox.domain, domain.first == 0x5B,
            let own = facts[.localIP].flatMap({ IPAddress($0) })
        else { return mailbox }
        let text = domain.dropFirst().dropLast()
        let isTagged = text.prefix(5).equalsIgnoringASCIICase("IPv6:".utf8)
        guard IPAddress(text.dropFirst(isTagged ? 5 : 0)) == own else { return mailbox }
        return (try? Mailbox(mailbox.localPart + [0x40] + settings.literalDomain.utf8)) ?? mailbox
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

extension Transaction {
    /// The envelope of one recipient alone.
    fileprivate func envelope(of candidate: RecipientCandidate) -> Envelope {
        var single = Envelope(reversePath: envelope.reversePath)
        single.options = envelope.options
        single.append(candidate.mailbox, candidate.options)
        return single
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
