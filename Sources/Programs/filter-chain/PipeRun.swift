// PipeRun: one message of another mail system, from its pipe to whoever is next.
// filter-chain(8), section In a pipe.
// SPDX-License-Identifier: MIT

import Control
import FilterChain
import Glibc
import MailModel
import Relaying
import UnixIO

/// The run of `--pipe`.
struct PipeRun {
    /// Received and Delivered-To fields; with more of them a message that is handed on is looping.
    private static let hops = 100
    /// How long each reply of whom it is handed to may take, and a program to its end.
    private static let patience = Duration.seconds(300)

    private let root: Root
    private let options: Options
    private let chain: Chain
    private let target: PipeTarget
    private let patience: Duration
    private let caller: CallerPipe
    private let log: Log

    /// Does all of it. What goes wrong is temporary.
    static func exit(_ options: Options) -> SysExit {
        Signals.ignoreBrokenPipes()
        do {
            return try PipeRun(options).judge()
        } catch {
            let reply = Failure(error).reply
            CallerPipe.say(reply)
            return SysExit(reply)
        }
    }

    private init(_ options: Options) throws {
        self.options = options
        root = Root(options)
        patience = try options.duration("handover-timeout") ?? Self.patience
        target = try PipeTarget(options, root, patience)
        guard !target.needsRecipients || !Envelope.recipients(piped: options).isEmpty else {
            throw UsageError("no --recipient to hand the message to")
        }
        chain = try Chain(root, folder: options["filters"])
        caller = CallerPipe(try options.choice("log", LogTarget.self) ?? .syslog)
        log = caller.log
    }

    private func judge() throws -> SysExit {
        defer { caller.giveBack() }
        do {
            return try judgeMessage()
        } catch {
            let reply = Failure(error).reply
            log.event("not-handed-on", ["error": reply.text])
            return tell(reply)
        }
    }

    private func judgeMessage() throws -> SysExit {
        var facts = try Facts(piped: options, root.control)
        let stages = try FilterChainProgram.stages(options)
        let message = try PipedMessage.take()
        guard message.arrival.length > 0 else { throw Failure(.cannotRead, "the message is empty") }
        let envelope = try Envelope(piped: options, fromLine: message.sender)
        let id = FilterChainProgram.identify(&facts)
        let header = try message.arrival.scan(for: root.control.meOrHost())
        guard header.hops <= Self.hops || !target.needsRecipients else {
            return tell(
                Reply(554, EnhancedStatus(5, 4, 6), "too many hops, the message is looping"))
        }
        let run = ChainRun(
            chain: chain, stages: stages, facts: facts, envelope: envelope,
            removals: header.removals, isTrial: options.has("check"), log: log)
        var outcome = run.judge(message.arrival)
        if case .accept(let edits) = outcome.verdict, edits.hold {
            outcome.verdict = .defer(EnhancedStatus(4, 7, 1), "held for the administrator")
        }
        record(outcome.verdict, envelope, facts)
        var exit = SysExit.accepted
        switch outcome.verdict {
        case .reject(let reply), .defer(let reply): exit = tell(reply)
        case .discard: exit = target.isHandover ? .accepted : .discarded
        case .accept(let edits) where !options.has("check"):
            let handover = PipeHandover(
                target: target, patience: patience, id: id, facts: facts, envelope: envelope,
                edits: edits, errors: caller.number, log: log)
            switch try handover.finish(message, outcome.replacement.take()) {
            case .ended(let own): exit = own
            case .answered(let reply): exit = reply.code < 300 ? .accepted : tell(reply)
            }
        case .accept: break
        }
        caller.giveBack()
        if options.has("explain") { Explanation.write(outcome.verdict, outcome.trail) }
        return exit
    }

    /// Tells the caller why not.
    private func tell(_ reply: Reply) -> SysExit {
        caller.giveBack()
        CallerPipe.say(reply)
        return SysExit(reply)
    }

    private func record(_ verdict: Verdict, _ envelope: Envelope, _ facts: Facts) {
        log.event(
            "verdict",
            [
                "verdict": verdict.word, "reply": verdict.reply?.description,
                "sender": envelope.reversePath.bytes.printable,
                "recipients": "\(envelope.recipients.count)", "caller": "\(getppid())",
                "session": facts[.session]?.printable, "message": facts[.message]?.printable,
            ])
    }
}
