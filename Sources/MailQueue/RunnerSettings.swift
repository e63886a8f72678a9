// RunnerSettings: how a queue is run.
// queue-manager(8).
// SPDX-License-Identifier: MIT

import Control
import MailModel

/// How a queue is run. Every limit has its default here, or in the type that it is in.
public struct RunnerSettings: Sendable {
    /// Our own name.
    public var host: [UInt8]
    /// From whom reports come, where they go, and when.
    public var reports: ReportSettings
    /// Which recipients are ours.
    public var routing: Routing
    /// When deferred recipients are tried again.
    public var schedule: RetrySchedule
    /// Deliveries at once.
    public var concurrency: Concurrency
    /// Messages that are open at once.
    public var activeLimit = 400
    /// How long an agent may take for a delivery.
    public var deliveryTimeout = Duration.seconds(3600)
    /// Whose words the log is in.
    public var logFormat = LogFormat.events
    /// The sockets of the agents.
    public var sockets: [DeliveryChannel: String]
    /// How long the end waits for deliveries that run.
    public var grace = Duration.seconds(30)

    /// The settings of an installation: `me`, and what `ReportSettings`, `Routing`,
    /// `RetrySchedule` and `Concurrency` read.
    /// - Throws: `ControlError`.
    public init(_ root: Root) throws(ControlError) {
        let control = root.control
        host = try control.me()
        reports = try ReportSettings(control)
        routing = try Routing(control)
        schedule = try RetrySchedule(control)
        concurrency = try Concurrency(control)
        logFormat = try LogFormat(control)
        sockets = [
            .local: root.socket("deliver-local"), .remote: root.socket("deliver-remote"),
        ]
    }
}

extension LogFormat {
    /// Reads `logformat`.
    /// - Throws: `ControlError`, also for a format that does not exist.
    init(_ control: ControlFolder) throws(ControlError) {
        switch try control.line("logformat")?.printable {
        case nil, "", "events": self = .events
        case "qmail": self = .qmail
        case .some(let word):
            throw control.invalid("logformat", 1, "\(word): it is events or qmail")
        }
    }
}
