// Wire: one client's connection: lines and bytes in, replies out.
// RFC 2920, section 3.2; RFC 5321, section 4.5.3.2.
// SPDX-License-Identifier: MIT

import SMTPProtocol
import TLS
import UnixIO

/// What bounds a client's silence beside its time: others may need the worker that it has.
struct Haste {
    /// How long it may be silent then.
    let patience: Duration
    /// True while others wait.
    let isDue: () -> Bool
    /// How often that is asked again.
    static let interval = Duration.seconds(1)
}

/// Replies are kept until the client has nothing more to say, so that a group of commands gets
/// one packet of replies.
struct Wire {
    private let stream: PatientStream
    /// What everything goes through once TLS has begun.
    private(set) var tls: TLSStream?
    private var input = LineBuffer()
    private var output: [UInt8] = []
    /// The session ends here whatever happens.
    var end: Deadline
    /// Nil where nobody can wait for this one.
    var haste: Haste?
    /// True when the client's time was over since others wait.
    private(set) var isHurried = false

    /// A connection on which nothing was said.
    init(_ stream: PatientStream, end: Deadline) {
        self.stream = stream
        self.end = end
    }

    /// Gives a reply, at the latest before the next wait.
    mutating func put(_ reply: SMTPReply) { output += reply.bytes }

    /// Sends what was put.
    mutating func flush(within patience: Duration) throws(StreamError) {
        guard !output.isEmpty else { return }
        defer { output.removeAll(keepingCapacity: true) }
        let deadline = min(end, .after(patience))
        guard let tls else { return try stream.write(output, until: deadline) }
        try tls.write(output, until: deadline)
    }

    /// True when there is something of the client that was read and not used.
    var hasInput: Bool { !input.isEmpty }

    /// Sends what was put, then begins TLS, which must be there by then.
    mutating func startTLS(
        _ context: ServerContext, until deadline: Deadline
    ) throws(HandshakeError) {
        do {
            try flush(within: deadline.remaining)
        } catch {
            throw .stream(error)
        }
        input.removeAll()
        tls = try TLSStream(context, over: stream, until: min(end, deadline))
    }

    /// Sends what was put, then waits; what the client says meanwhile is read later.
    mutating func pause(for delay: Duration, patience: Duration) throws(StreamError) {
        try flush(within: patience)
        try stream.pause(until: min(end, .after(delay)))
        if end.hasPassed { throw .timedOut }
    }

    /// The next line of the client, all of which must come within the time given.
    mutating func line(within patience: Duration, mayStop: Bool) throws(StreamError) -> CommandLine
    {
        if let line = input.nextLine() { return line }
        try flush(within: patience)
        let deadline = min(end, .after(patience))
        var early = hasteEnd
        while true {
            try read(until: deadline, early: &early, mayStop: mayStop)
            if let line = input.nextLine() { return line }
        }
    }

    /// A line that has come already.
    mutating func lineAtHand() -> CommandLine? { input.nextLine() }

    /// What has come of a line that is not whole.
    var unread: [UInt8] { input.unread }

    /// True when that is no more than so many bytes.
    func isShort(_ limit: Int) -> Bool { input.count <= limit && !input.isInLongLine }

    /// Puts back what another process has read.
    mutating func putBack(_ bytes: [UInt8]) { _ = input.append(bytes) }

    /// Waits for more of a line.
    mutating func readMore(until deadline: Deadline, mayStop: Bool) throws(StreamError) {
        var early = hasteEnd
        try read(until: min(end, deadline), early: &early, mayStop: mayStop)
    }

    /// Lends what has come, at least one byte; `body` returns how many it took.
    mutating func bytes(
        within patience: Duration, _ body: (UnsafeRawBufferPointer) -> Int
    ) throws(StreamError) {
        if input.isEmpty {
            try flush(within: patience)
            var early = hasteEnd
            try read(until: min(end, .after(patience)), early: &early, mayStop: false)
        }
        input.take(body)
    }

    /// Sends what was put and, where the client did not ask for the end, reads what it still
    /// says for a moment: closing a socket with unread bytes can take the last reply from it.
    mutating func finish(within patience: Duration, isExpected: Bool) throws(StreamError) {
        if let tls {
            // One packet says the last words and that they are the last.
            try tls.write(output, until: min(end, .after(patience)), isLast: true)
        } else {
            try flush(within: patience)
        }
        guard !isExpected else { return }
        stream.endOutput()
        // Whatever comes now is thrown away as it is.
        tls = nil
        let deadline = Deadline.after(.seconds(1))
        while !deadline.hasPassed {
            input.removeAll()
            do { try read(until: deadline, mayStop: true) } catch { return }
        }
    }

    private var hasteEnd: Deadline { haste.map { .after($0.patience) } ?? .never }

    /// Reads until the deadline; where others wait only until `early`, which is when to look for
    /// them. However the bytes come: a whole line must be there by then.
    private mutating func read(
        until deadline: Deadline, early: inout Deadline, mayStop: Bool
    ) throws(StreamError) {
        while true {
            do throws(StreamError) {
                return try read(until: min(deadline, early), mayStop: mayStop)
            } catch {
                guard error == .timedOut, !deadline.hasPassed else { throw error }
                // At the end of the server nobody waits any more.
                isHurried = !Stop.hasCome && (haste?.isDue() ?? false)
                if isHurried { throw error }
                early = .after(Haste.interval)
            }
        }
    }

    private mutating func read(until deadline: Deadline, mayStop: Bool) throws(StreamError) {
        let (stream, tls) = (stream, tls)
        _ = try input.fill { room throws(StreamError) in
            guard let tls else {
                return try stream.read(into: room, until: deadline, mayStop: mayStop)
            }
            return try tls.read(into: room, until: deadline, mayStop: mayStop)
        }
    }
}
