// ServerSession+Pause: a session that has hardly begun, as little as must be known to go on with it.
// smtp-server(8), section Clients.
// SPDX-License-Identifier: MIT

import MailModel

/// What a session knows beside its facts before HELO.
public struct PausedSession: Equatable, Sendable {
    /// True when only QUIT is obeyed.
    public var isRefused: Bool
    /// True when what comes is thrown away.
    public var isDiscarded: Bool
    /// Commands in error.
    public var errors: Int
    /// Commands at all.
    public var commands: Int
    /// What the steps at `connect` changed.
    public var edits: [Edit]

    /// A state of these parts.
    public init(
        isRefused: Bool, isDiscarded: Bool, errors: Int, commands: Int, edits: [Edit]
    ) {
        self.isRefused = isRefused
        self.isDiscarded = isDiscarded
        self.errors = errors
        self.commands = commands
        self.edits = edits
    }
}

extension ServerSession {
    /// The state of a session that was greeted and has not said HELO; nil for any other, and under
    /// TLS, which cannot go on in another process.
    public var paused: PausedSession? {
        guard case .nothing = pending, !hasGreeted, tls == nil, transaction == nil, messages == 0,
            !settings.allowsXCLIENT
        else { return nil }
        return PausedSession(
            isRefused: isRefused, isDiscarded: isDiscarded, errors: errors, commands: commands,
            edits: connectEdits)
    }

    /// Goes on with a session of these facts that was paused: a command is read next.
    public mutating func resume(_ state: PausedSession) -> SessionStep {
        isRefused = state.isRefused
        isDiscarded = state.isDiscarded
        errors = state.errors
        commands = state.commands
        connectEdits = state.edits
        return .read
    }

    /// The greeting of a client that is refused since it spoke before it.
    public var tooEarly: SMTPReply {
        SMTPReply(554, nil, "\(settings.name) You must wait for the greeting before you speak")
    }

    /// The client has spoken before it was greeted.
    public mutating func noteEarlyTalker() { facts[.earlyTalker] = Array("yes".utf8) }

    /// The client's name, where it was looked up only after the session had begun.
    public mutating func know(clientName: [UInt8]) { facts[.clientName] = clientName }
}
