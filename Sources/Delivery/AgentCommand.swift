// AgentCommand: a delivery agent on the command line - resident, or once by hand.
// deliver-local(8), deliver-remote(8).
// SPDX-License-Identifier: MIT

public import Control
import Glibc
import MailModel
import UnixIO
import Workers

/// Exit codes of an agent that is run by hand: sysexits(3), as other servers expect of a program
/// that delivers.
public enum DeliveryExit: Int32, CaseIterable, Sendable {
    /// Every recipient has the message.
    case delivered = 0
    /// The command line is wrong.
    case usage = 64
    /// A mailbox does not exist (5.1.1), and nothing else went wrong.
    case noSuchMailbox = 67
    /// A recipient failed for good.
    case failed = 69
    /// A recipient may be tried again, whatever became of the others.
    case deferred = 75
    /// The configuration cannot be used.
    case badConfiguration = 78

    /// What results amount to.
    init(_ results: [DeliveryResult]) {
        let outcomes = Set(results.map(\.outcome))
        let failures = results.filter { $0.outcome == .failed }
        let isKnown = failures.contains { $0.reply.status != EnhancedStatus(5, 1, 1) }
        if outcomes.contains(.deferred) {
            self = .deferred
        } else if failures.isEmpty {
            self = .delivered
        } else {
            self = isKnown ? .failed : .noSuchMailbox
        }
    }
}

/// What the mains of both agents hand over to.
public struct AgentCommand<Agent: DeliveryAgent> {
    private let usage: Usage
    private let options: Options
    private let make: (Options, Root) throws -> Agent
    private let serveOnce: (() throws -> Void)?

    /// Reads the command line; exits when that cannot be, or is all that was asked for. What
    /// `--once` means, for an agent that declares it, is `serveOnce`.
    public init(
        _ summary: String, _ more: [Usage.Option], serveOnce: (() throws -> Void)? = nil,
        make: @escaping (Options, Root) throws -> Agent
    ) {
        self.serveOnce = serveOnce
        usage = Usage(
            Agent.name, summary, operands: "RECIPIENT ...",
            more + [
                .value("sender", "ADDRESS", "the reverse-path; the null reverse-path without"),
                .value("serve", "SOCKET", "serve requests of queue-manager at this socket"),
                .value("workers", "MIN-MAX", "how many workers serve"),
                .readyDescriptor, .root,
            ])
        options = usage.parseOrExit(misuse: DeliveryExit.usage.rawValue)
        self.make = make
    }

    /// Does what the command line says and exits.
    public func run() -> Never {
        // What an agent makes is its mailbox's owner's alone.
        umask(0o077)
        do {
            if let serveOnce, options.has("once") {
                ignoreBrokenFiles()
                try serveOnce()
                exit(DeliveryExit.delivered.rawValue)
            }
            if let socket = options["serve"] {
                try serve(socket)
                exit(DeliveryExit.delivered.rawValue)
            }
            exit(try deliverOnce().rawValue)
        } catch let error as UsageError {
            usage.fail("\(error)", DeliveryExit.usage.rawValue)
        } catch let error as SystemError {
            usage.fail("\(error)", DeliveryExit.deferred.rawValue)
        } catch {
            usage.fail("\(error)", DeliveryExit.badConfiguration.rawValue)
        }
    }

    private func serve(_ socket: String) throws {
        guard options.operands.isEmpty, !options.has("sender") else {
            throw UsageError("--serve takes its recipients from its requests")
        }
        let root = Root(options)
        // The manager keeps to the concurrencies, and reads them anew without us.
        var pool = PoolOptions(
            name: Agent.name, workers: try options.range("workers") ?? 1...500)
        pool.readyDescriptor = try options.integer("ready-fd").flatMap(Int32.init(exactly:))
        let (options, make) = (options, make)
        try AgentService<Agent>(socket: socket, options: pool) { try make(options, root) }.run()
    }

    /// Errors of the delivery, not our death.
    private func ignoreBrokenFiles() {
        signal(SIGXFSZ, SIG_IGN)
        Signals.ignoreBrokenPipes()
    }

    private func deliverOnce() throws -> DeliveryExit {
        ignoreBrokenFiles()
        let recipients = try options.operands.map { try address($0, Mailbox.init) }
        guard !recipients.isEmpty else { throw UsageError("a recipient is missing; see --help") }
        let reversePath = try address(options["sender"] ?? "", ReversePath.init)
        var agent = try make(options, Root(options))
        let input = try MessageInput.open()
        let session = SessionID(microseconds: WallClock.microseconds, random: Random.bits)
        let request = DeliveryRequest(
            id: session.message(1), channel: Agent.channel,
            domain: try domain(of: recipients),
            envelope: Envelope(reversePath: reversePath, recipients: recipients),
            messageOffset: input.offset, messageLength: input.length)
        let reply = agent.deliver(request, input.file.borrowed)
        agent.letGo()
        withExtendedLifetime(input) {}
        for (recipient, result) in zip(recipients, reply.results) {
            let host = result.host.map { " (\($0))" } ?? ""
            let line = "\(recipient): \(result.outcome.rawValue): \(result.reply)\(host)\n"
            try Descriptor(rawValue: 1).writeAll(Array(line.utf8), "standard output")
        }
        return DeliveryExit(reply.results)
    }

    /// Where they all are; nil when that does not matter.
    private func domain(of recipients: [Mailbox]) throws(UsageError) -> [UInt8]? {
        guard Agent.channel == .remote else { return nil }
        if let domain = options.bytes("domain") { return domain.asciiLowercased }
        let domains = Set(recipients.map { $0.domain?.asciiLowercased })
        guard domains.count == 1, let domain = domains.first ?? nil else {
            throw UsageError("the recipients are not of one domain; see --domain")
        }
        return domain
    }

    private func address<Address>(
        _ text: String, _ make: ([UInt8]) throws(MailboxError) -> Address
    ) throws(UsageError) -> Address {
        do {
            return try make(Array(text.utf8))
        } catch {
            throw UsageError("not an address: \(text)")
        }
    }
}
