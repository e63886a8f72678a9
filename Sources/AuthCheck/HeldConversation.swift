// HeldConversation: a conversation that waits for its client, in a process that has nothing else.
// auth-check(8).
// SPDX-License-Identifier: MIT

import AuthProtocol
import CUnix
import Glibc
import MailModel
import SASL
import UnixIO
import Workers

/// The later rounds of one conversation.
struct HeldConversation {
    private let conversation: LoginConversation
    private let question: AuthQuestion
    private let service: AuthService
    private let deadline: Deadline

    /// The connection's number in the process.
    private static let number: Int32 = 3

    /// Forks a process that gives the challenge and goes on. It lives no longer than its deadline,
    /// and a little more while a source is asked.
    /// - Returns: false when there can be no such process.
    static func fork(
        _ conversation: LoginConversation, _ question: AuthQuestion, _ challenge: AuthReply,
        on connection: borrowing Connection, _ service: AuthService
    ) -> Bool {
        let pid = cunix_fork()
        guard pid == 0 else { return pid > 0 }
        Signals.reset()
        Signals.ignoreBrokenPipes()
        alarm(UInt32(clamping: Self.longest(service.options).components.seconds))
        // Sockets that others listen on, and connections of sources, are not ours. The sources see
        // that they were forked and open their own.
        if dup2(connection.descriptor.number, number) == number {
            closefrom(number + 1)
            let held = HeldConversation(
                conversation: conversation, question: question, service: service,
                deadline: .after(service.options.conversationTime))
            held.run(challenge)
        }
        service.held.leave()
        cunix_exit(0)
        return true
    }

    /// After so long a conversation is killed, whatever its sources do.
    private static func longest(_ options: AuthOptions) -> Duration {
        options.conversationTime + LoginDesk.patience + .seconds(5)
    }

    private func run(_ challenge: AuthReply) {
        let connection = Connection(OwnedDescriptor(Self.number), "client")
        guard
            service.held.take(
                for: question.facts.clientIP, lasting: Self.longest(service.options))
        else {
            let answer = AuthReply.unavailable("too many conversations")
            service.log.ended(answer, question, login: conversation.login)
            try? service.send(answer.fields, on: connection)
            return
        }
        do throws(ExchangeError) {
            var answer = challenge
            while case .challenge = answer {
                try service.send(answer.fields, on: connection)
                let fields = try SecretFrame.receive(on: connection, until: deadline)
                defer { SecretFrame.erase(fields) }
                // Without one it is empty: it is not the first time that the client speaks.
                answer = conversation.step(fields["response"] ?? [])
            }
            service.log.ended(answer, question, login: conversation.login)
            try service.send(answer.fields, on: connection)
        } catch {
            // The client ended it, or was too slow; smtp-server has told it so.
            service.log.abandoned(question, login: conversation.login, "\(error)")
        }
    }
}
