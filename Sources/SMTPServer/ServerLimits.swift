// ServerLimits: times and sizes of the server, each with its default.
// smtp-server(8).
// SPDX-License-Identifier: MIT

/// What bounds a session beside `SessionSettings`.
public struct ServerLimits: Sendable {
    /// For a whole command line, or for the client to take a reply. RFC 5321, section
    /// 4.5.3.2.7, asks for five minutes at least.
    public var command = Duration.seconds(300)
    /// The same while all workers are busy, also for each piece of a message: others wait then.
    public var busy = Duration.seconds(10)
    /// For a whole handshake of TLS, which holds a worker: a client sends its parts at once.
    public var handshake = Duration.seconds(60)
    /// For each piece of a message. Section 4.5.3.2.5.
    public var data = Duration.seconds(180)
    /// For a whole message, so that nobody keeps a worker by a byte now and then.
    public var message = Duration.seconds(1800)
    /// For everything from connect to QUIT.
    public var session = Duration.seconds(3600)
    /// For one answer of the queue, which syncs the disk.
    public var queue = Duration.seconds(120)
    /// What a verdict's delay is cut to.
    public var delay = Duration.seconds(30)
    /// How many sessions may wait for a delay at the same time; to any more what would be granted
    /// late is put off at once. Half of the workers, when not given.
    public var delayedSessions = 100
    /// Received and Delivered-To fields of a message; with more it is looping. Section 6.3 asks
    /// for 100 at least.
    public var hops = 100
    /// What a message may have to be kept in memory, in bytes; what is bigger goes to the spool.
    public var memory = 256 << 10

    /// The defaults.
    public init() {}
}
