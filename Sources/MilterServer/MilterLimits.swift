// MilterLimits: what bounds a session with an MTA.
// milter-chain(8), section LIMITS.
// SPDX-License-Identifier: MIT

/// What bounds sessions, each with its default.
public struct MilterLimits: Sendable {
    /// Sessions at a time. Each has a thread; to any more what they ask is answered 451 4.3.2.
    public var sessions = 500
    /// For the steps of a command and the delay of its reply together: Postfix waits 30 seconds,
    /// `milter_command_timeout`.
    public var command = Duration.seconds(25)
    /// For the steps of a message: Postfix waits 300 seconds, `milter_content_timeout`.
    public var message = Duration.seconds(240)
    /// What a verdict's delay is cut to.
    public var delay = Duration.seconds(20)
    /// How many sessions may wait for a delay at the same time; to any more what would be granted
    /// late is put off at once.
    public var delayedSessions = 100
    /// Bytes of a message with LF line ends; 0 for as many as the MTA takes.
    public var messageSize = 0
    /// What a message may have to be kept in memory, in bytes; what is bigger goes to a file.
    public var memory = 256 << 10
    /// How long the MTA may say nothing: as long as a client keeps a session open.
    public var silence = Duration.seconds(7_210)
    /// How long sessions may take to end when the server ends.
    public var farewell = Duration.seconds(30)

    /// The defaults.
    public init() {}
}
