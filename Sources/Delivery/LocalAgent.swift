// LocalAgent: delivery to mailboxes of this host.
// deliver-local(8).
// SPDX-License-Identifier: MIT

public import Control
import Glibc
public import MailModel
import MailQueue
import Recipients
import SystemPackage
public import UnixIO

/// Delivers to the mailboxes that `RecipientSources` knows: those of `control/mailboxes`, and those
/// of users with their dot-qmail files.
public struct LocalAgent: DeliveryAgent {
    /// `deliver-local`.
    public static let name = "deliver-local"
    /// Mailboxes of ours.
    public static let channel = DeliveryChannel.local

    private let terms: LocalTerms
    private let becomesOwner: Bool
    private let forwarding: Forwarding
    private var sources: RecipientSources
    private var names: MaildirName

    /// An agent for the mailboxes of a root. One that `becomesOwner` must be root's, and delivers
    /// in processes that are not.
    /// - Throws: `ControlError` when the mailboxes cannot be known.
    public init(
        _ root: Root, names: MaildirName = MaildirName(), becomesOwner: Bool = false
    ) throws(ControlError) {
        terms = try LocalTerms(root)
        sources = try RecipientSources(root)
        forwarding = Forwarding(queue: QueueClient(socket: root.socket("queue-message")))
        self.names = names
        self.becomesOwner = becomesOwner
    }

    /// A recipient whose mail somebody must deliver.
    private struct Target {
        let place: Int
        let destination: LocalDestination
    }

    /// Delivers to each recipient on its own.
    public mutating func deliver(_ request: DeliveryRequest, _ file: Descriptor) -> DeliveryReply {
        var results: [Int: DeliveryResult] = [:]
        var targets: [Identity: [Target]] = [:]
        var size = 0
        for (place, recipient) in request.envelope.recipients.enumerated() {
            do throws(Refusal) {
                let destination = try find(recipient)
                let owner = try owner(of: destination)
                targets[owner, default: []].append(
                    Target(place: place, destination: destination))
                size += destination.size
                guard size > LocalAgent.largestRound else { continue }
                run(targets, request, file, &results)
                (targets, size) = ([:], 0)
            } catch {
                let outcome = InstructionOutcome(
                    reply: error.reply, evidence: error.reason.map { [("error", $0)] } ?? [])
                results[place] = finish(outcome, place, request, file, owner: geteuid())
            }
        }
        run(targets, request, file, &results)
        return DeliveryReply(
            request.envelope.recipients.indices.map {
                results[$0] ?? DeliveryResult(LocalTrouble.badConfiguration)
            })
    }

    /// With more bytes of destinations than this they are delivered to before more are looked up:
    /// every `list+x` comes to all of a list's members. What is told to a process and by it is less
    /// than `Fields.maximumLength` then.
    private static let largestRound = 8 << 20

    /// Carries out the instructions of recipients by owner.
    private mutating func run(
        _ targets: [Identity: [Target]], _ request: DeliveryRequest, _ file: Descriptor,
        _ results: inout [Int: DeliveryResult]
    ) {
        for (owner, targets) in targets {
            let outcomes = run(targets, request, file, as: owner)
            for (target, outcome) in zip(targets, outcomes) {
                results[target.place] = finish(
                    outcome, target.place, request, file, owner: owner.user)
            }
        }
    }

    /// Carries out the instructions of recipients of one owner, in a process of his where that is
    /// another one.
    private mutating func run(
        _ targets: [Target], _ request: DeliveryRequest, _ file: Descriptor, as owner: Identity
    ) -> [InstructionOutcome] {
        // Where nothing is to be done, nobody must be anybody.
        let isIdle = targets.allSatisfy { $0.destination.instructions == .given([.drop]) }
        guard becomesOwner, !isIdle else {
            return InstructionRuns(
                request: request, places: targets.map(\.place),
                destinations: targets.map(\.destination), file: file, terms: terms
            ).run(&names)
        }
        return OwnedDelivery.run(
            request.withRecipients(targets.map(\.place)), file, to: targets.map(\.destination),
            terms, as: owner)
    }

    /// Sends on what is to be sent on, and says what became of the recipient.
    private func finish(
        _ outcome: InstructionOutcome, _ place: Int, _ request: DeliveryRequest,
        _ file: Descriptor, owner: uid_t
    ) -> DeliveryResult {
        var outcome = outcome
        let isAlone = outcome.done.isEmpty
        // Where something failed before, there is nothing to send on, unless an alias said so.
        if let order = outcome.forward {
            if let refusal = forwarding.submit(order, of: place, request, file, owner: owner) {
                if outcome.reply.code < 300 || refusal.code < 500 { outcome.reply = refusal }
            } else {
                outcome.done.append(ForwardOrder.key)
                outcome.evidence.append(("forwarded", "\(order.recipients.count)"))
            }
        }
        var result = DeliveryResult(outcome.reply, host: outcome.host)
        if isAlone, let order = outcome.forward {
            // RFC 3461, section 5.2.7.
            let isPassed =
                order.recipients.count == 1 && order.sender == request.envelope.reversePath
            result.notice = result.outcome == .delivered ? isPassed ? .passed : .expanded : nil
        }
        if result.outcome == .deferred { result.done = outcome.done }
        LocalAgent.log(result, request.envelope.recipients[place], request, outcome.evidence)
        return result
    }

    /// Why nothing can be delivered.
    private struct Refusal: Error {
        let reply: Reply
        var reason: String?
    }

    /// Whom the delivery must become.
    private func owner(of destination: LocalDestination) throws(Refusal) -> Identity {
        let mine = Identity(user: geteuid(), group: getegid())
        guard case .given(let instructions) = destination.instructions,
            destination.owner == nil
        else { return try owner(destination.owner, mine) }
        guard becomesOwner, instructions != [.drop] else { return mine }
        // A server of LMTP is talked to by whoever has the mailboxes without a user.
        let path = instructions.lazy.compactMap(\.path).first ?? terms.base
        do {
            if let owner = try MailboxOwner.find(of: path) { return owner }
        } catch {
            throw Refusal(reply: LocalTrouble.badConfiguration, reason: "\(error)")
        }
        throw Refusal(reply: LocalTrouble.badConfiguration, reason: "\(path): no owner but root")
    }

    /// What a user says is done by nobody else, and never by root.
    private func owner(_ owner: Identity?, _ mine: Identity) throws(Refusal) -> Identity {
        if let owner, owner.user != 0 {
            guard !becomesOwner else { return owner }
            if owner.user == mine.user { return mine }
        }
        throw Refusal(
            reply: LocalTrouble.badConfiguration,
            reason: "it must be delivered by \(owner.map { "user \($0.user)" } ?? "its owner")")
    }

    /// Where a recipient's mail goes.
    private mutating func find(_ recipient: Mailbox) throws(Refusal) -> LocalDestination {
        let answer: LocalAnswer
        do throws(SourceError) {
            var trail = SourceTrail(isWanted: false)
            answer = try sources.destination(of: recipient, &trail)
        } catch {
            throw Refusal(reply: LocalTrouble.badConfiguration, reason: "\(error)")
        }
        switch answer {
        case .destination(let destination): return destination
        case .refused:
            throw Refusal(
                reply: Reply(550, EnhancedStatus(5, 2, 1), "this mailbox takes no mail"))
        case .noSuchMailbox, .unknownDomain: break
        }
        throw Refusal(
            reply: Reply(550, EnhancedStatus(5, 1, 1), "no mailbox here by that name"))
    }
}

extension LocalTerms {
    /// The terms of a root: `control/defaultdelivery` and `control/programtimeout`.
    /// - Throws: `ControlError` also for a default delivery that is none.
    init(_ root: Root) throws(ControlError) {
        self.init(base: root.mail, settings: try StoreSettings(root.control))
        separators = try root.control.extensions() ?? []
        runsVirtual = try root.control.runsVirtualPrograms()
        if let lines = try root.control.contents("defaultdelivery") { defaultDelivery = lines }
        do throws(InstructionFault) {
            _ = try DotQmailLines(
                defaultDelivery, home: "/", path: "defaultdelivery", isForwardOnly: false)
        } catch {
            throw root.control.invalid("defaultdelivery", nil, error.reply.text)
        }
        guard let seconds = try root.control.integer("programtimeout") else { return }
        guard (1...2400).contains(seconds) else {
            throw root.control.invalid("programtimeout", 1, "seconds, from 1 to 2400")
        }
        programLimit = .seconds(seconds)
    }
}

extension ControlFolder {
    /// `virtualdelivery`: `interpret` (the default), or `program`, which is true.
    fileprivate func runsVirtualPrograms() throws(ControlError) -> Bool {
        guard let line = try line("virtualdelivery"), !line.isEmpty else { return false }
        switch String(decoding: line, as: UTF8.self) {
        case "interpret": return false
        case "program": return true
        default:
            throw invalid("virtualdelivery", 1, "neither interpret nor program: \(line.printable)")
        }
    }
}

extension Instruction {
    /// The path that it writes to.
    fileprivate var path: String? {
        switch self {
        case .maildir(let path, _), .mbox(let path): path
        case .program, .forward, .lmtp, .drop: nil
        }
    }
}
