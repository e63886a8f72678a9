// AuthClient: asks auth-check.
// auth-protocol(7).
// SPDX-License-Identifier: MIT

import MailModel
public import UnixIO
public import Workers

/// The way to auth-check's socket.
public struct AuthClient: Sendable {
    /// The socket.
    public let socket: String

    /// A client of the service behind a socket.
    public init(socket: String) { self.socket = socket }

    /// The mechanisms that some source of passwords can serve.
    /// - Throws: `ExchangeError` when the service cannot be asked.
    public func mechanisms(deadline: Deadline) throws(ExchangeError) -> [AuthMechanism] {
        var request = Fields()
        request.append("chainmail", AuthQuestion.version)
        request.append("request", "mechanisms")
        let answer = try Exchange.call(socket, request, deadline: deadline).fields
        do throws(FieldsError) {
            return try Self.mechanisms(answer)
        } catch {
            throw .malformed(socket, error)
        }
    }

    static func mechanisms(_ answer: Fields) throws(FieldsError) -> [AuthMechanism] {
        guard answer.text("chainmail") == AuthQuestion.version else {
            throw .badValue("chainmail")
        }
        guard answer.text("status") == "mechanisms" else { throw .badValue("status") }
        let names = answer.all.filter { $0.name == "mechanism" }.map(\.value)
        return names.compactMap { AuthMechanism(rawValue: $0.printable) }
    }

    /// Begins a conversation.
    /// - Throws: `ExchangeError` when the service cannot be asked; not known, so temporary.
    public func begin(
        _ request: AuthQuestion, deadline: Deadline
    ) throws(ExchangeError) -> AuthDialogue {
        let connection: Connection
        do {
            connection = try UnixSocket.connect(to: socket, deadline: deadline)
        } catch {
            throw .system(error)
        }
        try Exchange.send(request.fields, on: connection, deadline: deadline)
        return AuthDialogue(connection)
    }
}

/// A conversation that goes on. It ends when the value does.
public struct AuthDialogue: ~Copyable {
    private let connection: Connection

    init(_ connection: consuming Connection) { self.connection = connection }

    /// What the service says to what the client said last.
    /// - Throws: `ExchangeError`.
    public func answer(deadline: Deadline) throws(ExchangeError) -> AuthReply {
        let fields = try Exchange.receive(
            on: connection, limit: AuthQuestion.longestFrame, deadline: deadline
        ).fields
        do throws(FieldsError) {
            return try AuthReply(fields)
        } catch {
            throw .malformed(connection.object, error)
        }
    }

    /// Passes on what the client answers to a challenge.
    /// - Throws: `ExchangeError`.
    public func respond(_ response: [UInt8], deadline: Deadline) throws(ExchangeError) {
        var fields = Fields()
        fields.append("response", response)
        try Exchange.send(fields, on: connection, deadline: deadline)
    }
}
