// InstructionRun: what is to be done with a message for one recipient, line by line.
// deliver-local(8); qmail-local(8).
// SPDX-License-Identifier: MIT

import Glibc
import MailModel
import Recipients
import UnixIO

/// What holds for every delivery of one process.
struct LocalTerms {
    /// The folder of mailboxes: below it what is missing may be made.
    var base: String
    /// The lines for a user without instructions of his own.
    var defaultDelivery = Array("./Maildir/".utf8)
    /// How long a program may take.
    var programLimit = Duration.seconds(900)
    /// What divides a virtual user's name from an extension; empty for none.
    var separators: [UInt8] = []
    /// True where vdelivermail and vdeliver are run as any other program.
    var runsVirtual = false
    /// What holds for all mailboxes.
    var settings = StoreSettings()
}

/// Mail to be sent on when everything else is done.
struct ForwardOrder: Hashable {
    /// The reverse-path that it gets.
    let sender: ReversePath
    /// Where it goes.
    let recipients: [Mailbox]
    /// What its Delivered-To says.
    let mailbox: Mailbox
}

/// What became of one recipient, but for the mail that is still to be sent on.
struct InstructionOutcome {
    var reply: Reply
    /// Keys of what was carried out now.
    var done: [[UInt8]] = []
    var forward: ForwardOrder?
    /// The server that gave the reply, where one did.
    var host: String?
    /// What the log says besides the reply.
    var evidence: [(key: String, value: String?)] = []
}

/// One message for one recipient, in a process that may do what the recipient's instructions say.
struct InstructionRun {
    let request: DeliveryRequest
    let recipient: Mailbox
    let destination: LocalDestination
    let file: Descriptor
    let terms: LocalTerms
    /// Keys of what earlier attempts did.
    let alreadyDone: [[UInt8]]
    /// When the process must have answered.
    let deadline: Deadline

    var outcome = InstructionOutcome(
        reply: Reply(250, EnhancedStatus(2, 1, 5), "delivered"))
    private var forwards: [Mailbox] = []
    private var counts = (files: 0, forwards: 0, programs: 0)
    var copy: MessageCopy?
    var filtered: FilteredMessage?

    /// A run for the recipient of this place in the request.
    init(
        _ request: DeliveryRequest, _ place: Int, to destination: LocalDestination,
        _ file: Descriptor, _ terms: LocalTerms, _ deadline: Deadline
    ) {
        self.request = request
        recipient = request.envelope.recipients[place]
        self.destination = destination
        self.file = file
        self.terms = terms
        self.deadline = deadline
        alreadyDone = request.done[place] ?? []
    }

    /// What Delivered-To says: with what virtualdomains puts before the local-part.
    var mailbox: Mailbox { (try? Mailbox(destination.recipient)) ?? recipient }

    /// Why a line was the last one.
    private enum End: Error {
        case failed(Reply)
        case stopped
    }

    /// Does what is to be done. The first failure ends it; forwards come after everything else.
    mutating func run(_ names: inout MaildirName) -> InstructionOutcome {
        do {
            let plan = try plan()
            guard !(try isLooping(plan.lines)) else {
                throw InstructionFault(LocalTrouble.looping, "")
            }
            if plan.isList {
                carryOutAll(plan, &names)
            } else {
                try carryOut(plan, &names)
            }
            note("did", "\(counts.files)+\(counts.forwards)+\(counts.programs)")
        } catch let error as InstructionFault {
            outcome.reply = error.reply
            if !error.reason.isEmpty { note("error", error.reason) }
        } catch {
            outcome.reply = LocalTrouble.unreadable
            note("error", "\(error)")
        }
        return outcome
    }

    mutating func note(_ key: String, _ value: String) {
        outcome.evidence.append((key, value))
    }

    /// What to do, and with which words for programs.
    struct Plan {
        var lines: [InstructionLine]
        let sender: ReversePath
        let rest: [UInt8]?
        /// True when no instruction waits for another one's success.
        var isList = false
    }

    private func plan() throws(InstructionFault) -> Plan {
        let sender = request.envelope.reversePath
        switch destination.instructions {
        case .given(let list):
            return Plan(lines: list.map(InstructionLine.init), sender: sender, rest: nil)
        case .aliased(let plan):
            let list = try plan.complete(host: destination.host)
            return Plan(
                lines: list.map(InstructionLine.init), sender: plan.reversePath(sender), rest: nil,
                isList: true)
        case .inHome: return try planInHome(sender)
        }
    }

    private func planInHome(_ sender: ReversePath) throws(InstructionFault) -> Plan {
        let (home, dash, ext) = (destination.home, destination.dash, destination.ext)
        let found = try DotQmail.instructions(
            home: home, dash: dash, ext: ext, otherwise: terms.defaultDelivery)
        let newSender = try DotQmail.newSender(
            sender, home: home, dash: dash, ext: ext, local: destination.local,
            host: destination.host)
        let lines =
            terms.runsVirtual
            ? found.instructions.map(InstructionLine.init)
            : try VirtualUsers(
                home: home, name: ext, host: destination.host, separators: terms.separators
            ).lines(found.instructions)
        return Plan(lines: lines, sender: newSender, rest: found.rest)
    }

    /// True when the header has our Delivered-To already.
    private func isLooping(_ lines: [InstructionLine]) throws(SystemError) -> Bool {
        guard !lines.allSatisfy({ $0.instruction == .drop }) else { return false }
        let mark = Array("Delivered-To: ".utf8) + mailbox.bytes
        var message = MessageReader(request, file, searching: mark)
        while !message.hasFoundLine, !message.hasPassedHeader, try message.next() != nil {}
        return message.hasFoundLine
    }

    private mutating func carryOut(
        _ plan: Plan, _ names: inout MaildirName
    ) throws(InstructionFault) {
        let keys = Instruction.keys(of: plan.lines.map(\.instruction))
        for (line, key) in zip(plan.lines, keys) {
            if let fault = line.fault { throw fault }
            guard !deadline.hasPassed else { throw InstructionRun.late }
            if alreadyDone.contains(key) {
                if alreadyDone.contains(InstructionRun.stop(key)) { break }
                continue
            }
            var stops = false
            let reply = try perform(line, plan, &names, &stops)
            guard let reply else { continue }
            guard reply.code < 300 else { throw InstructionFault(reply, "") }
            outcome.done.append(key)
            if stops {
                outcome.done.append(InstructionRun.stop(key))
                break
            }
        }
        guard !forwards.isEmpty, !alreadyDone.contains(ForwardOrder.key) else { return }
        outcome.forward = ForwardOrder(
            sender: plan.sender, recipients: forwards, mailbox: mailbox)
    }

    /// Does what an alias says: each thing, whatever became of the others. Of failures a temporary
    /// one counts before a permanent one, since what is left is tried again then.
    private mutating func carryOutAll(_ plan: Plan, _ names: inout MaildirName) {
        var stores: [InstructionLine] = []
        for line in plan.lines {
            if case .forward(let mailbox) = line.instruction {
                forwards.append(mailbox)
            } else {
                stores.append(line)
            }
        }
        counts.forwards = forwards.count
        for (line, key) in zip(stores, Instruction.keys(of: stores.map(\.instruction)))
        where !alreadyDone.contains(key) {
            var stops = false
            do throws(InstructionFault) {
                guard !deadline.hasPassed else { throw InstructionRun.late }
                if let fault = line.fault { throw fault }
                guard let reply = try perform(line, plan, &names, &stops) else { continue }
                guard reply.code < 300 else { throw InstructionFault(reply, "") }
                outcome.done.append(key)
            } catch {
                if !error.reason.isEmpty { note("error", error.reason) }
                let isWorse = outcome.reply.code < 300 || outcome.reply.code >= 500
                if isWorse { outcome.reply = error.reply }
            }
        }
        guard !forwards.isEmpty, !alreadyDone.contains(ForwardOrder.key) else { return }
        outcome.forward = ForwardOrder(
            sender: plan.sender, recipients: forwards, mailbox: mailbox)
    }

    private static let late = InstructionFault(
        Reply(451, EnhancedStatus(4, 3, 0), "other deliveries took too long"), "")

    /// The key of a program that said to stop after it.
    private static func stop(_ key: [UInt8]) -> [UInt8] { Array("99:".utf8) + key }

    /// The reply of one line; nil when it is left for later.
    private mutating func perform(
        _ line: InstructionLine, _ plan: Plan, _ names: inout MaildirName, _ stops: inout Bool
    ) throws(InstructionFault) -> Reply? {
        switch line.instruction {
        case .forward(let mailbox):
            counts.forwards += 1
            forwards.append(mailbox)
            return nil
        case .drop: return nil
        case .maildir, .mbox, .lmtp:
            counts.files += 1
            return try store(line, plan, &names)
        case .program(let command):
            counts.programs += 1
            return try run(command, line, plan, &stops)
        }
    }

    private mutating func store(
        _ line: InstructionLine, _ plan: Plan, _ names: inout MaildirName
    ) throws(InstructionFault) -> Reply {
        let filtered = try filtered(line, plan)
        var terms = terms
        if let base = line.base { terms.base = base }
        var store = LocalStore(
            request: filtered?.request(for: request) ?? request, recipient: recipient,
            mailbox: mailbox, file: filtered?.file ?? file, terms: terms, home: destination.home)
        store.address = line.address
        store.isFiltered = filtered != nil
        let reply = store.deliver(line.instruction, &names)
        outcome.evidence += store.evidence
        outcome.host = store.host
        return reply
    }
}

extension ForwardOrder {
    /// What is noted as done when the mail was sent on.
    static let key = Array("forward".utf8)
}
