// AuthService: one question of smtp-server in a worker of auth-check.
// auth-protocol(7).
// SPDX-License-Identifier: MIT

import AuthProtocol
import Credentials
import MailModel
import SASL
import UnixIO
import Workers

/// Answers the first round of a conversation. What needs another goes on in a process of its own, so
/// that a client that is slow, or never answers, holds no worker.
struct AuthService {
    /// How long a question may take to come in, and an answer to be taken.
    static let patience = Duration.seconds(10)

    let sources: CredentialSources
    let library: SASLLibrary
    let held: HeldConversations
    let options: AuthOptions
    let log: AuthLog

    /// Serves a connection. Never throws: a client that is gone needs no answer.
    func serve(_ descriptor: consuming OwnedDescriptor) {
        // Conversations that have ended; nothing else was started here that is not waited for.
        while Child.reap() != nil {}
        let connection = Connection(descriptor, "client")
        guard let peer = connection.peer, options.trusted.contains(peer.uid) else {
            log.stranger(connection.peer?.uid)
            return
        }
        do throws(ExchangeError) {
            try answer(on: connection)
        } catch .cutShort {
            // A client that only looked whether somebody is there.
        } catch {
            log.trouble("bad-request", "\(error)")
        }
    }

    private func answer(on connection: borrowing Connection) throws(ExchangeError) {
        let fields = try SecretFrame.receive(on: connection, until: .after(Self.patience))
        defer { SecretFrame.erase(fields) }
        switch fields.text("request") {
        case "mechanisms": try send(mechanisms, on: connection)
        case "authenticate":
            let question: AuthQuestion
            do throws(FieldsError) {
                question = try AuthQuestion(fields)
            } catch {
                throw .malformed(connection.object, error)
            }
            try converse(question, on: connection)
        default: throw .malformed(connection.object, .badValue("request"))
        }
    }

    private func converse(
        _ question: AuthQuestion, on connection: borrowing Connection
    ) throws(ExchangeError) {
        let conversation: LoginConversation
        do throws(SASLError) {
            conversation = try LoginConversation(question, library, sources)
        } catch {
            let answer = AuthReply.unavailable("\(error)")
            log.ended(answer, question, login: nil)
            return try send(answer.fields, on: connection)
        }
        let answer = conversation.step(question.response)
        guard case .challenge = answer else {
            log.ended(answer, question, login: conversation.login)
            return try send(answer.fields, on: connection)
        }
        let isHeld = HeldConversation.fork(conversation, question, answer, on: connection, self)
        guard !isHeld else { return }
        let failure = AuthReply.unavailable("fork")
        log.ended(failure, question, login: conversation.login)
        try send(failure.fields, on: connection)
    }

    private var mechanisms: Fields {
        var fields = Fields()
        fields.append("chainmail", AuthQuestion.version)
        fields.append("status", "mechanisms")
        let abilities = sources.abilities
        for mechanism in AuthMechanism.allCases where mechanism.isServed(by: abilities) {
            fields.append("mechanism", mechanism.rawValue)
        }
        return fields
    }

    /// Sends a frame.
    func send(
        _ fields: Fields, on connection: borrowing Connection
    ) throws(ExchangeError) {
        try Exchange.send(fields, on: connection, deadline: .after(Self.patience))
    }
}
