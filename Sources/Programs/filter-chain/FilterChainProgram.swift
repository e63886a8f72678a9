// filter-chain: runs the steps of filters.d, then hands over to the queue.
// filter-chain(8).
// SPDX-License-Identifier: MIT

import Control
import FilterChain
import Glibc
import MailModel
import UnixIO

@main
struct FilterChainProgram {
    private static let usage = Usage(
        "filter-chain", "Runs the steps of filters.d on a message, then hands it to the queue.",
        operands: "[-- program [argument ...]]",
        [
            .flag("plan", "print the chain as it would run and exit"),
            .flag("check", "judge, but hand nothing on and charge no limit"),
            .flag("explain", "write what each step said to descriptor 2, as one JSON object"),
            .value("filters", "DIR", "the folder of the steps, instead of the root's filters.d"),
            .value("stage", "STAGE", "run only the steps of this stage"),
            .value("sender", "ADDRESS", "the reverse-path; descriptor 1 is then for output"),
            .values("recipient", "ADDRESS", "a recipient; descriptor 1 is then for output"),
            .value("client-ip", "ADDRESS", "the client's address"),
            .value("client-name", "NAME", "the client's verified name"),
            .value("helo", "NAME", "the argument of HELO or EHLO"),
            .value("auth-user", "NAME", "the name that was authenticated"),
            .value("local-ip", "ADDRESS", "our address in this connection"),
            .flag("pipe", "one message of another mail system; exit codes are those of sysexits.h"),
            .value("reinject", "HOST:PORT", "with --pipe: hand over by SMTP"),
            .value("sendmail", "PROGRAM", "with --pipe: hand over to PROGRAM -i -f ADDRESS -- ..."),
            .value("handover-timeout", "DURATION", "for each reply of whom it is handed to (5m)"),
            .value("log", "WORD", "with --pipe: where the log goes, syslog or stderr (syslog)"),
            .value("delay-limit", "DURATION", "the longest delay of a reply (30s)"),
            .flag("serve", "start the resident steps and keep them running"),
            .value("serve-step", "NAME", "serve a step without workers as the user we are"),
            .root, .readyDescriptor,
        ])

    static func main() {
        StandardDescriptors.fill()
        let isPipe = Usage.processArguments.prefix { $0 != [0x2D, 0x2D] }
            .contains(Array("--pipe".utf8))
        let options = usage.parseOrExit(
            misuse: isPipe ? SysExit.temporary.rawValue : FilterExit.badConfiguration.rawValue)
        if options.has("pipe") { exit(PipeRun.exit(options).rawValue) }
        do {
            exit(try run(options).rawValue)
        } catch {
            let failure = Failure(error)
            usage.fail(failure.text, failure.exit.rawValue)
        }
    }

    private static func run(_ options: Options) throws -> FilterExit {
        for name in ["reinject", "sendmail", "handover-timeout", "log"] where options.has(name) {
            throw UsageError("--\(name) is for --pipe")
        }
        guard options.trailing == nil else { throw UsageError("a program is for --pipe") }
        let root = Root(options)
        let chain = try Chain(root, folder: options["filters"])
        if options.has("plan") {
            try Descriptor(rawValue: 1).writeAll(Array(chain.plan.utf8), "standard output")
            return .accept
        }
        Signals.ignoreBrokenPipes()
        if options.has("serve") {
            try serveAll(chain, root, options)
            return .accept
        }
        if let name = options["serve-step"] {
            try serve(name, options)
            return .accept
        }
        return try judge(chain, root, options)
    }

    private static func serveAll(_ chain: Chain, _ root: Root, _ options: Options) throws {
        let ready = try options.integer("ready-fd", in: 3...1023).map { OwnedDescriptor(Int32($0)) }
        try ResidentSteps(chain: chain, root: root).run(log: Log("filter-chain")) {
            switch ready {
            case .none: break
            // Whoever started us and does not listen any more has no use for the word.
            case .some(let ready): try? ready.borrowed.writeAll(Array("READY\n".utf8), "ready")
            }
        }
    }

    private static func serve(_ name: String, _ options: Options) throws {
        let root = Root(options)
        let ready = try options.integer("ready-fd", in: 3...1023).map(Int32.init)
        func step() throws -> StepService {
            let chain = try Chain(root, folder: options["filters"])
            guard let service = StepService(name, of: chain) else {
                throw UsageError("--serve-step \(name): no such step without workers")
            }
            return service
        }
        try step().run(readyDescriptor: ready, reload: step)
    }

    /// One message, from the descriptors to its handover.
    private static func judge(
        _ chain: Chain, _ root: Root, _ options: Options
    ) throws -> FilterExit {
        var facts = try clientFacts(options)
        let stages = try stages(options)
        let longestDelay = try options.duration("delay-limit") ?? Handover.longestDelay
        let byHand = options.has("sender") || options.has("recipient") || options.has("check")
        guard byHand || !Arrival.outputIsTerminal else {
            throw UsageError("give --sender and --recipient, or an envelope on descriptor 1")
        }
        let reason = byHand ? nil : QueueReason(reserved: [0, 1])
        // All of descriptor 0 first, then all of 1: a sender that goes away closes 1 empty.
        let arrival = try Arrival.take()
        guard !byHand || arrival.length > 0 else {
            throw Failure(.cannotRead, "the message is empty: did what comes before refuse it?")
        }
        let envelope = try byHand ? Arrival.envelope(options) : Arrival.envelope()
        if facts[.helo] == nil, let client = facts.clientIP,
            let trace = QmailReceived(topmostOf: try arrival.beginning()), trace.address == client
        {
            facts[.helo] = trace.helo
        }
        let id = identify(&facts)
        let run = ChainRun(
            chain: chain, stages: stages, facts: facts, envelope: envelope,
            removals: try arrival.scan(for: root.control.meOrHost()).removals,
            isTrial: options.has("check"), log: Log("filter-chain"))
        var outcome = run.judge(arrival)
        if options.has("explain") { Explanation.write(outcome.verdict, outcome.trail) }
        let handover = Handover(
            root: root, byHand: byHand, isTrial: options.has("check"), id: id, facts: facts,
            envelope: envelope, reason: reason, longestDelay: longestDelay)
        return try handover.finish(&outcome, arrival)
    }

    static func stages(_ options: Options) throws(UsageError) -> [Stage] {
        guard let name = options["stage"] else { return Stage.allCases }
        guard let stage = Stage(rawValue: name) else {
            let all = Stage.allCases.map(\.rawValue).joined(separator: ", ")
            throw UsageError("--stage \(name): it is one of \(all)")
        }
        return [stage]
    }

    /// What options, then the environment, say of the client.
    private static func clientFacts(_ options: Options) throws(UsageError) -> Facts {
        var facts = Facts()
        for name in [FactName.clientIP, .clientName, .helo, .authUser, .localIP] {
            guard let value = options.bytes(name.rawValue), !value.isEmpty else { continue }
            if name == .clientIP || name == .localIP, IPAddress(value) == nil {
                throw UsageError("--\(name.rawValue) \(value.printable): not an address")
            }
            facts[name] = value
        }
        facts.addEnvironment()
        return facts
    }

    /// Gives the message the id that it will have in the queue and in every log line.
    static func identify(_ facts: inout Facts) -> QueueID {
        let session = SessionID(microseconds: WallClock.microseconds, random: Random.bits)
        let id = session.message(1)
        facts[.session] = Array(session.description.utf8)
        facts[.message] = Array(id.description.utf8)
        return id
    }
}
