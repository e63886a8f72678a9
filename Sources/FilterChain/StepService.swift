// StepService: a step without workers of its own, behind a socket.
// filter-chain(8), section Steps without workers.
// SPDX-License-Identifier: MIT

import Control
import Glibc
import MailModel
import UnixIO
import Workers

/// Starts the program of one step for each request, as whoever runs the chain would. It is for a
/// server in which that is another user than the one that filters are.
public struct StepService {
    /// A client that began to speak has so long to end, and to take its answer.
    private static let patience = Duration.seconds(2)
    /// A server has no more sessions than ask at a time.
    private static let workers = 1...200

    private let step: Step
    private let root: Root

    /// The step of this name in a chain; nil when there is none, or it has workers.
    public init?(_ name: String, of chain: Chain) {
        guard let step = chain.steps.first(where: { $0.name == name }), step.workers == nil else {
            return nil
        }
        self.step = step
        root = chain.root
    }

    /// Serves until SIGTERM or SIGINT. `reload` gives the step as it is after a SIGHUP.
    /// - Throws: `SystemError`, and what `reload` throws at the beginning.
    public func run(
        readyDescriptor: Int32?, reload: @escaping () throws -> StepService
    ) throws {
        var options = PoolOptions(name: "filter-chain", workers: Self.workers)
        options.clientsSpeakFirst = true
        options.readyDescriptor = readyDescriptor
        let listener = try UnixSocket.listen(at: root.filterSocket(step.name), mode: 0o660)
        try Pool<StepService>(
            options, listeners: [listener.borrowed], load: reload,
            worker: { service in { connection, _, _ in service.serve(connection) } }
        ).run()
        withExtendedLifetime(listener) {}
    }

    /// Answers one connection. Without an answer the caller defers, so every failure here is only
    /// logged.
    private func serve(_ socket: consuming OwnedDescriptor) {
        let connection = Connection(socket, "client")
        do {
            try answer(connection)
        } catch ExchangeError.cutShort {
            // A client that only looked whether somebody is there.
        } catch {
            Log("filter-chain").event("step-failed", ["step": step.name, "error": "\(error)"])
        }
    }

    private func answer(_ connection: borrowing Connection) throws {
        let deadline = Deadline.after(Self.patience)
        var message = try Exchange.receive(
            on: connection, firstByte: deadline, deadline: deadline)
        let request = try FilterRequest(message.fields)
        let file = message.first.take()
        let base: Descriptor?
        switch file {
        case .some(let file): base = file.borrowed
        case .none:
            guard request.stage < .message, request.messageLength == 0 else {
                throw FieldsError.missing("message descriptor")
            }
            base = nil
        }
        let call = StepCall(
            step: step, root: root, request: request, message: base,
            deadline: .after(step.timeout))
        let answer = try call.start()
        let reply = answer.reply.fields
        switch answer.replacement {
        case .some(let replacement):
            try Exchange.send(
                reply, descriptors: [replacement.borrowed], on: connection,
                deadline: .after(Self.patience))
        case .none:
            try Exchange.send(reply, on: connection, deadline: .after(Self.patience))
        }
        withExtendedLifetime(file) {}
    }
}
