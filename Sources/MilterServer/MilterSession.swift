// MilterSession: one connection of an MTA, from connect to close.
// milter-chain(8).
// SPDX-License-Identifier: MIT

import FilterChain
import MailModel
import UnixIO

/// A message on its way, from MAIL to its end.
struct MilterTransaction: ~Copyable {
    /// The reverse-path that the MTA has.
    let path: ReversePath
    /// The recipients that the MTA has, those that a step discards too.
    var recipients: [MilterRecipient] = []
    /// What MAIL and RCPT gave, with the changes that steps made to single recipients.
    var envelope: Envelope
    /// Edits by steps of this transaction, in order.
    var edits: [Edit] = []
    var message: SpooledMessage
}

/// What is known of one client of the MTA. One thread at a time uses it.
final class MilterSession {
    let server: MilterServer
    /// The chain as it was when the session began.
    let chain: Chain
    let id: SessionID
    /// True when values of header fields begin with the blank after the colon.
    let hasLeadingSpace: Bool
    /// Stages that the MTA waits for no answer at.
    let unanswered: Set<Stage>
    /// True when it is one too many.
    let isExcess: Bool
    private(set) var facts = Facts()
    private var messages: UInt32 = 0
    private var connectEdits: [Edit] = []
    private var heloEdits: [Edit] = []
    /// True when every message of the session is thrown away.
    private var isDiscarded = false
    private var transaction: MilterTransaction?

    init(_ server: MilterServer, _ terms: MilterTerms, isExcess: Bool) {
        self.server = server
        chain = server.chain
        id = SessionID(microseconds: WallClock.microseconds, random: Random.bits)
        hasLeadingSpace = terms.hasLeadingSpace
        unanswered = terms.unanswered
        self.isExcess = isExcess
    }

    // MARK: Before a message

    func connect(_ client: MilterClient, _ mta: some MilterMTA) -> MilterAnswer {
        facts = Facts(client, mta, relayClients: server.configuration.relayClients, id: id)
        guard !isExcess else { return .refuse(.tooManySessions) }
        switch judge(.connect, mta, edits: []) {
        case .reject(let reply), .defer(let reply): return .refuse(reply)
        case .discard: isDiscarded = true
        case .accept(let edits): connectEdits = edits
        }
        return .goOn
    }

    /// It comes again after STARTTLS.
    func helo(_ name: [UInt8], _ mta: some MilterMTA) -> MilterAnswer {
        transaction = nil
        facts[.helo] = name
        facts.update(mta)
        facts[.protocolName] = facts.protocolName(isExtended: false, macro: mta.macro("r"))
        switch judge(.helo, mta, edits: connectEdits) {
        case .reject(let reply), .defer(let reply): return .refuse(reply)
        case .discard: isDiscarded = true
        case .accept(let edits): heloEdits = edits
        }
        return .goOn
    }

    func mail(_ arguments: [[UInt8]], _ mta: some MilterMTA) -> MilterAnswer {
        transaction = nil
        messages &+= 1
        facts[.message] = Array(id.message(messages).description.utf8)
        facts.update(mta)
        guard let path = try? MilterAddress.reversePath(arguments.first ?? []) else {
            return .refuse(.badReversePath)
        }
        var envelope = Envelope(reversePath: path)
        takeParameters(arguments.dropFirst(), &envelope)
        facts[.protocolName] = facts.protocolName(
            isExtended: arguments.count > 1, macro: mta.macro("r"))
        if isDiscarded { return .discard }
        let edits: [Edit]
        switch judge(.mail, mta, envelope, edits: connectEdits + heloEdits) {
        case .reject(let reply), .defer(let reply): return .refuse(reply)
        case .discard: return .discard
        case .accept(let new): edits = new
        }
        transaction = MilterTransaction(
            path: path, envelope: envelope, edits: edits,
            message: SpooledMessage(server.configuration.name, server.limits))
        return .goOn
    }

    private func takeParameters(_ words: ArraySlice<[UInt8]>, _ envelope: inout Envelope) {
        facts[.bodyType] = nil
        facts[.declaredSize] = nil
        for word in words {
            let parts = word.split(separator: 0x3D, maxSplits: 1, omittingEmptySubsequences: false)
            let value = parts.count > 1 ? Array(parts[1]) : []
            switch parts.first.map({ Array($0).asciiLowercased.printable }) {
            case "size": facts[.declaredSize] = value.decimalValue.map { Array("\($0)".utf8) }
            case "body":
                envelope.options.bodyType = BodyType(value)
                facts[.bodyType] = envelope.options.bodyType.map { Array($0.rawValue.utf8) }
            case "smtputf8": envelope.options.smtputf8 = true
            default: break
            }
        }
    }

    /// One recipient. One that the MTA has refused itself is only told of.
    func recipient(_ arguments: [[UInt8]], _ mta: some MilterMTA) -> MilterAnswer {
        let argument = arguments.first ?? []
        guard let mailbox = try? MilterAddress.mailbox(argument) else {
            return .refuse(.badForwardPath)
        }
        facts.update(mta)
        guard let path = transaction?.envelope.reversePath else { return .refuse(.outOfStep) }
        let single = Envelope(reversePath: path, recipients: [mailbox])
        guard mta.macro("{rcpt_mailer}")?.elementsEqual("error".utf8) != true else {
            reportRefusal(by: mta, single)
            return .goOn
        }
        // Recipients that earlier steps added or removed are no matter of this one.
        let edits = pendingEdits.filter { !$0.changesRecipients }
        let verdict = judge(.rcpt, mta, single, edits: edits)
        switch verdict {
        case .reject(let reply), .defer(let reply): return .refuse(reply)
        // The MTA would throw away the whole message: this one is taken out at the end.
        case .discard: break
        case .accept(let edits):
            transaction?.envelope.appendRecipients(of: edits.applied(to: single))
            transaction?.edits += edits.filter { !$0.changesRecipients }
        }
        transaction?.recipients.append(MilterRecipient(argument: argument, mailbox: mailbox))
        return .goOn
    }

    /// Tells the steps that want to know of a recipient that the MTA has refused for good.
    private func reportRefusal(by mta: some MilterMTA, _ envelope: Envelope) {
        let status = mta.macro("{rcpt_host}").flatMap { EnhancedStatus($0) }
        guard status?.statusClass == 5 else { return }
        chain.report(
            .refused, FilterRequest(stage: .rcpt, facts: facts, envelope: envelope), log: server.log
        )
    }

    func data(_ mta: some MilterMTA) -> MilterAnswer {
        facts.update(mta)
        guard let envelope = transaction?.envelope else { return .refuse(.outOfStep) }
        // Nobody will get it: that is known at the end.
        if envelope.recipients.isEmpty { return .goOn }
        switch judge(.data, mta, envelope, edits: pendingEdits) {
        case .reject(let reply), .defer(let reply): return .refuse(reply)
        case .discard: return .discard
        case .accept(let edits): transaction?.edits += edits
        }
        return .goOn
    }

    // MARK: The message

    func field(_ name: [UInt8], _ value: [UInt8]) {
        transaction?.message.takeField(name, value, hasLeadingSpace: hasLeadingSpace)
    }

    func endOfHeader() { transaction?.message.endHeader() }

    func body(_ bytes: UnsafeBufferPointer<UInt8>) { transaction?.message.take(bytes) }

    func endOfMessage(_ mta: some MilterMTA) -> MilterAnswer {
        facts.update(mta)
        guard var transaction = transaction.take() else { return .refuse(.outOfStep) }
        defer { facts[.message] = nil }
        return finish(&transaction, mta)
    }

    /// The transaction is over before its end.
    func abort() {
        transaction = nil
        facts[.message] = nil
    }

    /// Edits that are pending, in the order in which they were made.
    private var pendingEdits: [Edit] { connectEdits + heloEdits + (transaction?.edits ?? []) }

    private func finish(
        _ transaction: inout MilterTransaction, _ mta: some MilterMTA
    ) -> MilterAnswer {
        if transaction.message.isTooBig { return refuse(.messageTooBig, transaction) }
        if transaction.message.isHostile { return refuse(.forgedFields, transaction) }
        do {
            let file = try transaction.message.finish()
            let ending = MessageEnding(
                session: self, mta: mta,
                edits: transaction.message.removals + connectEdits + heloEdits + transaction.edits)
            let answer = ending.judge(transaction, file.borrowed)
            withExtendedLifetime(file) {}
            return answer
        } catch {
            server.log.event(
                "trouble", ["error": "\(error)", "message": facts[.message]?.printable])
            return .refuse(.cannotStore)
        }
    }

    private func refuse(
        _ reply: Reply, _ transaction: borrowing MilterTransaction
    ) -> MilterAnswer {
        tell(.message, .reject(reply), transaction.envelope)
        return .refuse(reply)
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
