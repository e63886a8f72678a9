// AgentService: a delivery agent as a pool of workers behind a socket.
// delivery-protocol(7).
// SPDX-License-Identifier: MIT

import Control
import Glibc
import MailModel
import UnixIO
import Workers

/// Serves one request at a time in each worker.
struct AgentService<Agent: DeliveryAgent> {
    /// The request comes as soon as its connection does.
    static var patience: Duration { .seconds(10) }
    /// How long another one is waited for; the manager is the first to give up.
    static var keepingPatience: Duration { .seconds(30) }

    let socket: String
    let options: PoolOptions
    let make: () throws -> Agent

    /// Serves until SIGTERM or SIGINT.
    func run() throws {
        // A configuration that cannot be used must not leave a socket that nobody serves.
        var first: Agent? = try make()
        let listener = try UnixSocket.listen(at: socket, mode: 0o660)
        let make = make
        let pool = Pool<Agent>(
            options, listeners: [listener.borrowed],
            load: {
                defer { first = nil }
                return try first ?? make()
            },
            worker: { loaded in
                // A file that grows over a limit is an error of its delivery, not our death.
                signal(SIGXFSZ, SIG_IGN)
                var agent = loaded
                return { connection, _, _ in AgentService.serve(connection, &agent) }
            })
        try pool.run()
        withExtendedLifetime(listener) {}
    }

    /// Answers one connection, for as long as requests come where the agent takes more. A request
    /// that is not understood gets no answer, which means deferred to whoever asked.
    static func serve(_ socket: consuming OwnedDescriptor, _ agent: inout Agent) {
        let connection = Connection(socket, "manager")
        var hasAnswered = false
        do {
            while try answer(connection, &agent, isFirst: !hasAnswered) { hasAnswered = true }
        } catch ExchangeError.cutShort {
            // A client that only looked whether somebody is there, or has nothing more to ask.
        } catch let error as ExchangeError where hasAnswered && error.isTimeout {
        } catch {
            Log(Agent.name).event("bad-request", ["error": "\(error)"])
        }
        agent.letGo()
    }

    /// - Returns: true when another request may follow.
    private static func answer(
        _ connection: borrowing Connection, _ agent: inout Agent, isFirst: Bool
    ) throws -> Bool {
        let start = isFirst ? patience : keepingPatience
        var message = try Exchange.receive(
            on: connection, firstByte: .after(start), deadline: .after(start + patience))
        let request = try DeliveryRequest(message.fields)
        guard request.channel == Agent.channel else { throw FieldsError.badValue("channel") }
        guard let file = message.first.take() else { throw FieldsError.missing("descriptor") }
        let reply = agent.deliver(request, file.borrowed)
        // The lock on the message lasts as long as its descriptor. Every outcome is certain now,
        // and whoever hears of them must find the message free: delivery-protocol(7).
        try file.close("message")
        do {
            try Exchange.send(reply.fields, on: connection, deadline: .after(patience))
        } catch {
            // The manager is gone; it will find out by asking again.
            Log(Agent.name).event(
                "reply-lost", ["message": request.id.description, "error": "\(error)"])
            return false
        }
        return reply.takesMore
    }
}
