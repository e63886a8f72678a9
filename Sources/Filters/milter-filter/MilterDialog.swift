// MilterDialog: one message, or the beginning of one, told to a milter step by step.
// milter-filter(8); smfi_register.
// SPDX-License-Identifier: MIT

import FilterKit
import MailModel
import MilterProtocol
import SMTPProtocol
import UnixIO

/// What a milter decided, and when.
struct MilterDecision {
    let verdict: Verdict
    /// The command that it answered.
    let command: MilterCommand.Code
    /// The letter of the answer.
    let answer: MilterReply.Code
    /// Why it wants the message kept back.
    var quarantine: [UInt8]?
}

/// The commands of a session, up to the stage of the request.
struct MilterDialog {
    let line: MilterLine
    let settings: MilterSettings
    let macros: MacroValues
    private let client: MilterClient
    /// Of all of it.
    private let deadline: Deadline
    /// True from MAIL on.
    private(set) var isInTransaction = false

    init(
        _ line: MilterLine, _ request: borrowing Request, _ settings: MilterSettings,
        _ deadline: Deadline
    ) {
        self.line = line
        self.settings = settings
        self.deadline = deadline
        client = MilterClient(request.facts)
        macros = MacroValues(request, settings, wanted: line.agreement.macros)
    }

    /// Goes on until the milter decides or the stage is over, which is accept.
    mutating func run(_ request: borrowing Request) throws(MilterStop) -> MilterDecision {
        if let end = try session(request) { return end }
        if request.stage >= .mail, let end = try transaction(request) { return end }
        if request.stage == .message { return try message(request) }
        return MilterDecision(verdict: .accept, command: .data, answer: .continue)
    }

    /// CONNECT and HELO.
    private func session(_ request: borrowing Request) throws(MilterStop) -> MilterDecision? {
        if let end = try step(.connect(client.name, client.peer), .connect) { return end }
        guard request.stage > .connect, let helo = client.helo else { return nil }
        return try step(.helo(helo), .helo)
    }

    /// MAIL, each RCPT, and DATA.
    private mutating func transaction(
        _ request: borrowing Request
    ) throws(MilterStop) -> MilterDecision? {
        guard let envelope = request.envelope,
            request.stage == .mail || !envelope.recipients.isEmpty
        else { throw .known(FilterError(.malformedEnvelope, "there is no recipient to tell of")) }
        isInTransaction = true
        let words = [MilterPath.bytes(envelope.reversePath)] + envelope.parameters(request.facts)
        if let end = try step(.mail(words), .mail) { return end }
        guard request.stage > .mail else { return nil }
        for (number, recipient) in envelope.recipients.enumerated() {
            let words =
                [MilterPath.bytes(recipient)] + envelope.options(ofRecipient: number).parameters
            let end = try step(.rcpt(words), .rcpt, recipient)
            guard let end else { continue }
            return request.stage == .rcpt ? end : end.naming(recipient)
        }
        guard request.stage > .rcpt, line.agreement.version >= 4 else { return nil }
        return try step(.data, .data)
    }

    /// One command with its macros.
    /// - Returns: what the milter decided; nil to go on.
    func step(
        _ command: MilterCommand, _ phase: MilterPhase, _ recipient: Mailbox? = nil
    ) throws(MilterStop) -> MilterDecision? {
        // Macros are given even where the command is not wanted: later ones need them.
        let macros = macros.macros(phase.macros, recipient: recipient)
        if !macros.isEmpty { line.put(.macros(for: command.code.rawValue, macros)) }
        guard !line.agreement.steps.contains(phase.absent) else { return nil }
        return try say(command, unanswered: phase.unanswered, settings.commandLimit).decision
    }

    /// One command, and its answer if there is one.
    func say(
        _ command: MilterCommand, unanswered: MilterSteps, _ limit: Duration
    ) throws(MilterStop) -> MilterAnswer {
        guard command.packet.data.count <= line.agreement.packetLimit else {
            throw .known(
                FilterError(.defer, "\(command.code): more than a packet of the milter holds"))
        }
        line.put(command)
        do throws(MilterFailure) {
            if !unanswered.isEmpty, line.agreement.steps.contains(unanswered) {
                if line.waiting > 1 << 16 { try line.flush(self.limit(limit)) }
                return .goOn
            }
            try line.flush(self.limit(limit))
            return try answer(to: command.code, limit)
        } catch {
            throw .failed(error)
        }
    }

    /// The answer to a command that changes nothing.
    private func answer(
        to command: MilterCommand.Code, _ limit: Duration
    ) throws(MilterFailure) -> MilterAnswer {
        while true {
            let reply = try line.receive(self.limit(limit))
            switch reply {
            case .progress: continue
            case .continue: return .goOn
            case .skip: return .skip
            // Such a reply is for messages; Postfix does not heed it either.
            case .discard where command == .connect || command == .helo: return .goOn
            default:
                guard let verdict = reply.verdict else {
                    throw .unexpected(reply.code, "\(command)")
                }
                return .decided(
                    MilterDecision(verdict: verdict, command: command, answer: reply.code))
            }
        }
    }

    /// The end of the message was answered.
    mutating func endTransaction() { isInTransaction = false }

    /// The moment by which an answer must be there.
    func limit(_ limit: Duration) -> Deadline { min(deadline, .after(limit)) }
}

/// What a milter answered to a command before the end of the message.
enum MilterAnswer {
    case goOn
    case skip
    case decided(MilterDecision)

    var decision: MilterDecision? {
        if case .decided(let decision) = self { decision } else { nil }
    }
}

/// Why a dialog ends without a decision.
enum MilterStop: Error {
    /// The milter failed.
    case failed(MilterFailure)
    /// What is no matter of the milter.
    case known(FilterError)
}

/// What is the same for all commands of a kind.
struct MilterPhase {
    let macros: MilterMacroStage
    let absent: MilterSteps
    let unanswered: MilterSteps

    static let connect = MilterPhase(
        macros: .connect, absent: .noConnect, unanswered: .noReplyToConnect)
    static let helo = MilterPhase(macros: .helo, absent: .noHelo, unanswered: .noReplyToHelo)
    static let mail = MilterPhase(macros: .mail, absent: .noMail, unanswered: .noReplyToMail)
    static let rcpt = MilterPhase(macros: .rcpt, absent: .noRcpt, unanswered: .noReplyToRcpt)
    static let data = MilterPhase(macros: .data, absent: .noData, unanswered: .noReplyToData)
    static let endOfHeader = MilterPhase(
        macros: .endOfHeader, absent: .noEndOfHeader, unanswered: .noReplyToEndOfHeader)
}
