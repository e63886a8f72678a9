// SessionDriver+Wait: a client that was greeted and has not said HELO holds no worker.
// smtp-server(8), section Clients.
// SPDX-License-Identifier: MIT

import Glibc
import MailModel
import SMTPProtocol
import UnixIO
import Workers

extension SessionDriver {
    /// What a client may say at most and still wait elsewhere, in bytes without a line end.
    private static var longestStart: Int { 1024 }

    /// The client's next line; nil when the connection waits in another process now.
    mutating func line(mayStop: Bool) throws(StreamError) -> CommandLine? {
        if let line = wire.lineAtHand() { return line }
        guard visit != nil, let pause = session.paused else {
            return try wire.line(within: limits.command, mayStop: mayStop)
        }
        try wire.flush(within: limits.command)
        let deadline = awaitedUntil ?? min(wire.end, .after(limits.command))
        awaitedUntil = nil
        while true {
            if try waits(pause, until: deadline) { return nil }
            try wire.readMore(until: deadline, mayStop: mayStop)
            if let line = wire.lineAtHand() { return line }
        }
    }

    /// Waits until the client says something.
    /// - Returns: true when it has not, and waits elsewhere now.
    private mutating func waits(
        _ pause: PausedSession, until deadline: Deadline
    ) throws(StreamError) -> Bool {
        guard let socket = visit?.socket, wire.isShort(Self.longestStart) else { return false }
        var courtesy = WaitingRoom.courtesy
        while !WaitingRoom.speaks(socket, within: courtesy) {
            if deadline.hasPassed { throw .timedOut }
            // Also when this worker is to end: who holds them knows what to say to them.
            if handIn(pause, until: deadline) { return true }
            if Stop.hasCome { throw .stopping }
            // No way in at this moment: most likely many come at once.
            courtesy = min(1000, courtesy * 2)
        }
        return false
    }

    private mutating func handIn(_ pause: PausedSession, until deadline: Deadline) -> Bool {
        var note = WaitingNote(
            .command, session.id, deadline: deadline, end: wire.end, facts: session.facts)
        note.isUnknown = isUnknown
        note.pause = pause
        note.input = wire.unread
        note.isNamed = isNamed
        return visit?.handIn(note) ?? false
    }
}
