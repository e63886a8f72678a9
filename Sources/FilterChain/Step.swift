// Step: one file of filters.d.
// filters.d(5).
// SPDX-License-Identifier: MIT

public import MailModel

/// How a step is called.
public enum StepConvention: String, CaseIterable, Sendable {
    /// Ours: resident, or per message with a record.
    case chain
    /// qmail-qfilter's, per message.
    case qfilter
    /// qmail-queue's, per message: message on 0, envelope on 1, an exit code. Such a step only
    /// judges; it must not hand the message on.
    case queue
}

/// One step of the chain, as its file describes it.
public struct Step: Hashable, Sendable {
    /// The name of the file: `30-spf-check`.
    public let name: String
    /// The path of the program.
    public var program: String
    /// Its arguments.
    public var arguments: [String] = []
    /// When it judges.
    public var stage = Stage.message
    /// True when it does not judge clients that may relay.
    public var skipsRelayed = false
    /// True when it does not judge what comes from no client.
    public var skipsLocal = false
    /// True when "not known" is accept. Fails open: only where the administrator wrote
    /// `on-error accept`.
    public var acceptsOnError = false
    /// How long it may take, waiting for a free worker included.
    public var timeout = Duration.seconds(30)
    /// How many resident workers it has; nil for a process per message.
    public var workers: ClosedRange<Int>? = 2...32
    /// How it is called.
    public var convention = StepConvention.chain
    /// True when it is told of recipients that were refused, by `Chain.report`.
    public var hearsFailures = false
    /// True when its verdict is logged and neither applied nor charged.
    public var isObserved = false

    init(_ name: String, program: String) {
        self.name = name
        self.program = program
    }

    /// True when it is to be asked. Where there is no client, nobody connected and nobody greeted:
    /// bounces and local messages have no such stages.
    func judges(_ request: FilterRequest) -> Bool {
        stage == request.stage && concerns(request.facts)
    }

    /// True when it judges such clients.
    func concerns(_ facts: Facts) -> Bool {
        guard !(skipsRelayed && facts.mayRelay) else { return false }
        return !facts.isLocal || !(skipsLocal || stage < .mail)
    }
}

/// What must run for a resident step.
public struct ResidentStep: Hashable, Sendable {
    /// The name of the step's file.
    public let name: String
    /// The path of the program.
    public let program: String
    /// Its arguments, those that make it serve included.
    public let arguments: [String]
    /// Where it will listen.
    public let socket: String
}
