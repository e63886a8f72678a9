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
        [
            .flag("plan", "print the chain as it would run and exit"),
            .flag("check", "judge, but hand nothing on and charge no limit"),
            .value("filters", "DIR", "the folder of the steps, instead of the root's filters.d"),
            .value("sender", "ADDRESS", "the reverse-path; descriptor 1 is then for output"),
            .values("recipient", "ADDRESS", "a recipient; descriptor 1 is then for output"),
            .value("client-ip", "ADDRESS", "the client's address"),
            .value("client-name", "NAME", "the client's verified name"),
            .value("helo", "NAME", "the argument of HELO or EHLO"),
            .value("auth-user", "NAME", "the name that was authenticated"),
            .value("local-ip", "ADDRESS", "our address in this connection"),
            .root,
        ])

    static func main() {
        let options = usage.parseOrExit()
        do {
            exit(try run(options).rawValue)
        } catch {
            let failure = Failure(error)
            usage.fail(failure.text, failure.exit.rawValue)
        }
    }

    private static func run(_ options: Options) throws -> FilterExit {
        let root = Root(options)
        let chain = try Chain(root, folder: options["filters"])
        if options.has("plan") {
            try Descriptor(rawValue: 1).writeAll(Array(chain.plan.utf8), "standard output")
            return .accept
        }
        Signals.ignoreBrokenPipes()
        var facts = try clientFacts(options)
        let byHand = options.has("sender") || options.has("recipient") || options.has("check")
        guard byHand || !Arrival.outputIsTerminal else {
            throw UsageError("give --sender and --recipient, or an envelope on descriptor 1")
        }
        // All of descriptor 0 first, then all of 1: a sender that goes away closes 1 empty.
        let arrival = try Arrival.take()
        let envelope = try byHand ? Arrival.envelope(options) : Arrival.envelope()
        if facts[.helo] == nil, let client = facts.clientIP,
            let trace = QmailReceived(topmostOf: try arrival.beginning()), trace.address == client
        {
            facts[.helo] = trace.helo
        }
        let run = ChainRun(
            chain: chain, facts: facts, envelope: envelope, isTrial: options.has("check"))
        var outcome = try run.judge(arrival)
        let handover = Handover(root: root, byHand: byHand, isTrial: options.has("check"))
        return try handover.finish(&outcome, arrival, envelope)
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
}

/// What ends the program without a verdict.
struct Failure: Error {
    let exit: FilterExit
    let text: String

    init(_ exit: FilterExit, _ text: String) {
        self.exit = exit
        self.text = text
    }

    /// The exit code of whatever was thrown.
    init(_ error: any Error) {
        switch error {
        case let error as Failure: self = error
        case let error as EnvelopeError:
            switch error {
            case .cutShort: self.init(.cannotRead, "the envelope is cut short")
            case .malformed: self.init(.malformedEnvelope, "the envelope is malformed")
            case .addressTooLong: self.init(.addressTooLong, "an address is over 1002 bytes long")
            }
        case let error as SystemError where error.errno == .noMemory:
            self.init(.outOfMemory, error.description)
        case let error as SystemError where error.call.contains("read"):
            self.init(.cannotRead, error.description)
        case let error as SystemError: self.init(.cannotWrite, error.description)
        default: self.init(.badConfiguration, "\(error)")
        }
    }
}
