// MAIL: a transaction begins with its reverse-path.
// RFC 5321, section 4.1.1.2.
// SPDX-License-Identifier: MIT

import MailModel

extension ServerSession {
    mutating func mail(_ argument: ArraySlice<UInt8>) -> SessionStep {
        guard hasGreeted else { return failed(.needsHELO) }
        guard !settings.requiresAuth || user != nil || facts.mayRelay else {
            return failed(.needsAuthentication)
        }
        guard transaction == nil else { return failed(.nestedMAIL) }
        guard !isTransactionsLimitReached else { return .close(.tooManyTransactions) }
        // No space may be on either side of the colon. RFC 5321, section 3.3.
        guard argument.prefix(5).equalsIgnoringASCIICase("FROM:".utf8) else {
            return failed(.badMAIL)
        }
        var rest = argument.dropFirst(5)
        let path: ReversePath
        do {
            path = try PathSyntax.reversePath(from: &rest, limits: settings.paths, utf8: true)
        } catch {
            return failed(error == .tooLong ? .longReversePath : .badReversePath)
        }
        var transaction = Transaction(id: nextMessageID, envelope: Envelope(reversePath: path))
        if let reply = mailParameters(rest, &transaction.parameters) {
            return reply.code == 552 ? .reply(reply) : failed(reply)
        }
        transaction.envelope.options = transaction.parameters.options
        if !transaction.parameters.options.smtputf8, ServerSession.isBeyondASCII(path.bytes) {
            return failed(.needsSMTPUTF8)
        }
        return consider(transaction)
    }

    /// The facts with what MAIL said.
    func facts(of new: Transaction) -> Facts {
        var facts = facts
        facts[.message] = Array(new.id.description.utf8)
        facts[.bodyType] = new.parameters.options.bodyType.map { Array($0.rawValue.utf8) }
        facts[.declaredSize] = new.parameters.size.map { Array("\($0)".utf8) }
        if new.parameters.options.smtputf8 {
            facts[.protocolName] = protocolName(isExtended: isExtended, isUTF8: true)
        }
        return facts
    }

    private mutating func consider(_ new: Transaction) -> SessionStep {
        transaction = nil
        guard asksForSender, let user, !isDiscarded else { return judge(new) }
        pending = .sender(new)
        return .admitSender(new.envelope.reversePath, user: user)
    }

    /// Asks for the verdict.
    mutating func judge(_ new: Transaction) -> SessionStep {
        if isDiscarded { return mailJudged(.discard, new) }
        settleClient()
        return settings.allowsXFORWARD ? judgeClient(new, at: .connect) : judgeMail(new)
    }

    /// Asks the steps of this stage.
    mutating func judgeMail(_ new: Transaction) -> SessionStep {
        pending = .mail(new)
        return .judge(
            FilterRequest(
                stage: .mail, facts: facts(of: new), envelope: new.envelope,
                edits: pendingEdits + new.edits))
    }

    mutating func mailJudged(_ verdict: Verdict, _ candidate: Transaction) -> SessionStep {
        var new = candidate
        // An id is used once, even when the transaction does not come about: it is in the log.
        messages &+= 1
        switch verdict {
        case .reject(let reply), .defer(let reply): return refuse(new, SMTPReply(reply))
        case .accept(let edits): new.edits += edits
        case .discard: new.isDiscarded = true
        }
        if settings.passes, !new.isDiscarded { return pass(new) }
        begin(new)
        return .reply(.reversePathOK)
    }

    /// MAIL is refused. Postfix, whose filter we may be, expects no refusal of it, and would tell its
    /// client of a trouble of its own: there each RCPT gets the reply.
    mutating func refuse(_ candidate: Transaction, _ reply: SMTPReply) -> SessionStep {
        guard settings.allowsXFORWARD, reply.code != 421 else {
            forgetForwarded()
            return reply.code == 421 ? .close(reply) : .reply(reply)
        }
        var new = candidate
        new.refusal = reply
        begin(new)
        return .reply(.reversePathOK)
    }

    /// The transaction comes about.
    mutating func begin(_ new: Transaction) {
        facts = facts(of: new)
        transaction = new
    }
}
