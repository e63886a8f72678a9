// Setup: what a filter is told before it is asked anything.
// filter-protocol(7), section OPTIONS.
// SPDX-License-Identifier: MIT

public import Control
import Glibc
public import MailModel
import UnixIO

/// The options and the convention of this process.
public struct Setup: Sendable {
    /// What was given on the command line.
    public let options: Options
    /// How this process was called.
    public let convention: Convention
    /// The variables that marked the convention.
    let marks: [(name: String, value: [UInt8])]
    /// True with `--check`: nothing is handed on and nothing may be consumed.
    public var checks: Bool { options.has("check") }
    /// True with `--explain`.
    public var explains: Bool { options.has("explain") }

    /// The options that every filter has.
    static let options: [Usage.Option] = [
        .flag("check", "judge, but hand nothing on and consume nothing"),
        .flag("explain", "write the evidence as one JSON object to descriptor 2"),
        .value("as", "CONVENTION", "queue, chain, qfilter or shell, whatever it looks like"),
        .value("serve", "SOCKET", "serve requests on this Unix socket"),
        .value("workers", "MIN-MAX", "how many workers serve (2-32)"),
        .value("request-limit", "TIME", "a worker that takes longer is killed (10m)"),
        .readyDescriptor,
        .value("client-ip", "ADDRESS", "the client's address"),
        .value("client-name", "NAME", "the client's verified name"),
        .value("helo", "NAME", "the argument of HELO or EHLO"),
        .value("auth-user", "NAME", "the name that was authenticated"),
        .value("local-ip", "ADDRESS", "our address in this connection"),
        .value("sender", "ADDRESS", "the reverse-path (shell convention)"),
        .values("recipient", "ADDRESS", "a recipient (shell convention)"),
    ]

    private static let facts: [FactName] = [.clientIP, .clientName, .helo, .authUser, .localIP]

    init(_ options: Options) throws(UsageError) {
        self.options = options
        let wanted = try options.choice("as", Convention.self)
        convention =
            wanted
            ?? .recognised(serves: options.has("serve"), hasNext: options.trailing != nil)
        marks = Convention.marks
        try check()
    }

    /// Options that contradict each other or the convention.
    private func check() throws(UsageError) {
        if options.has("serve") != (convention == .resident) {
            throw UsageError("--serve SOCKET is the resident convention and no other")
        }
        if (options.trailing != nil) != (convention == .queue) {
            throw UsageError(
                convention == .queue
                    ? "the queue convention needs a next program after --"
                    : "a next program after -- is the queue convention and no other")
        }
        // Before any file of ours may get these numbers.
        guard convention != .qfilter || Convention.hasEnvelopeFiles else {
            throw UsageError(
                "the qfilter convention needs an envelope on descriptor 3 and a file for a new one on 4"
            )
        }
        if checks, convention == .queue {
            throw UsageError("--check hands nothing on, so it takes no next program")
        }
    }

    /// What options, then the environment, say of the client.
    public func clientFacts() throws(UsageError) -> Facts {
        var facts = Facts()
        for fact in Setup.facts {
            let value = try options.read(fact.rawValue, form(of: fact)) { bytes in
                form(of: fact) == "an address" && IPAddress(bytes) == nil ? nil : bytes
            }
            facts[fact] = value.flatMap { $0.isEmpty ? nil : $0 }
        }
        facts.addEnvironment()
        return facts
    }

    private func form(of fact: FactName) -> String {
        fact == .clientIP || fact == .localIP ? "an address" : "a name"
    }

    /// How many workers a pool has.
    func workers() throws(UsageError) -> ClosedRange<Int> {
        try options.range("workers") ?? 2...32
    }

    /// How long a worker may take for one request.
    func longestRequest() throws(UsageError) -> Duration? {
        try options.read("request-limit", "a time from 1s to 1d") { bytes in
            Quantity.duration(bytes).flatMap {
                (.seconds(1) ... .seconds(86_400)).contains($0) ? $0 : nil
            }
        }
    }

    /// Becomes another program with the same command line, environment and descriptors: for a
    /// filter that needs a heavy library only sometimes. Only before anything was read: in
    /// `Filter.init` of a convention that judges once.
    /// - Throws: `FilterError` with exit 55 when it cannot.
    public func becomeTwin(_ name: String) throws(FilterError) -> Never {
        try Setup.become(name)
    }

    /// The same command line, environment and descriptors for another program.
    static func become(_ name: String) throws(FilterError) -> Never {
        guard let path = Programs.find(name) else {
            throw .configuration("\(name): no such program")
        }
        execv(path, CommandLine.unsafeArgv)
        throw FilterError(SystemError.last("exec", path), otherwise: .badConfiguration)
    }
}
