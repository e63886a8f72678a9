// Authentication: a login of a session while it goes on.
// RFC 4954; auth-protocol(7).
// SPDX-License-Identifier: MIT

import AuthProtocol
import MailModel
import SMTPProtocol
import UnixIO
import Workers

/// The conversation with auth-check, and how many went wrong.
struct Authentication: ~Copyable {
    /// How long auth-check may take for one round: a little more than it gives its sources.
    static let patience = Duration.seconds(45)

    private var dialogue: AuthDialogue?
    /// Logins of this session that were refused.
    private(set) var failures = 0

    /// True when a token was refused, and the client has still to answer that.
    var hasRefusedToken = false

    /// Forgets the conversation; auth-check sees that it ended.
    mutating func end() {
        dialogue = nil
        hasRefusedToken = false
    }

    /// Counts a refusal.
    mutating func fail() { failures += 1 }

    /// What auth-check says to a round. A conversation that is over is forgotten.
    mutating func answer(
        to question: AuthQuestion, _ client: AuthClient
    ) throws(ExchangeError) -> AuthReply {
        let deadline = Deadline.after(Self.patience)
        var current: AuthDialogue
        if let dialogue = dialogue.take() {
            current = dialogue
            try current.respond(question.response ?? [], deadline: deadline)
        } else {
            current = try client.begin(question, deadline: deadline)
        }
        let reply = try current.answer(deadline: deadline)
        if case .challenge = reply { dialogue = consume current }
        return reply
    }
}
