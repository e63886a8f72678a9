// ServerBehind: the server that is given what the chain has accepted.
// filter-chain(8), option --reinject; smtp-server(8), section A server behind.
// SPDX-License-Identifier: MIT

public import Control
public import MailModel
public import SMTPClient
import SMTPProtocol
public import UnixIO

/// Why a server behind has not answered.
public enum ServerBehindError: Error, Sendable {
    /// There is no connection.
    case unreachable(SystemError)
    /// The session ended.
    case session(ClientError)
    /// It does not take our word for who the client is.
    case strange(SMTPReply)

    /// The reply for who waits for the server. What is wrong between two servers is no client's
    /// fault, so it is temporary.
    public var reply: Reply {
        switch self {
        case .unreachable(let error):
            return Reply(
                451, EnhancedStatus(4, 4, 1), "cannot connect to the server behind: \(error.errno)")
        case .session(.bareCR): return ClientError.bareCR.reply
        case .session(let error):
            let reply = error.reply
            return reply.code / 100 == 4
                ? reply : Reply(451, EnhancedStatus(4, 3, 0), "the server behind: \(reply.text)")
        case .strange(let reply):
            return Reply(
                451, EnhancedStatus(4, 3, 5),
                "the server behind refuses to hear of clients: \(reply)")
        }
    }
}

/// Where a server is, and who we are to it. It is spoken to without TLS: it is this host, or one in the
/// same network.
public struct ServerBehind: Hashable, Sendable {
    /// Where it listens.
    public let endpoint: Endpoint
    /// The name in EHLO.
    public let name: [UInt8]
    /// How long each of its replies, and the connection, may take.
    public let patience: Duration

    /// A server of these parts.
    public init(_ endpoint: Endpoint, as name: [UInt8], patience: Duration) {
        self.endpoint = endpoint
        self.name = name
        self.patience = patience
    }

    /// Reads `HOST:PORT`, where HOST is an address or `localhost`; nil for anything else.
    public static func endpoint(_ text: [UInt8]) -> Endpoint? {
        let name = Array("localhost:".utf8)
        guard text.prefix(name.count).equalsIgnoringASCIICase(name) else { return Endpoint(text) }
        return Endpoint(Array("127.0.0.1:".utf8) + text.dropFirst(name.count))
    }

    /// A session with it, after EHLO.
    /// - Throws: `ServerBehindError`.
    public func open(until deadline: Deadline = .never) throws(ServerBehindError) -> ClientSession {
        let address = InternetEndpoint(address: endpoint.address.bytes, port: endpoint.port)
        guard let address else {
            throw .unreachable(SystemError("connect", "\(endpoint)", .invalidArgument))
        }
        let socket: OwnedDescriptor
        do {
            socket = try InternetSocket.connect(
                to: address, "\(endpoint)", deadline: min(deadline, .after(patience)))
        } catch {
            throw .unreachable(error)
        }
        var session = ClientSession(
            socket, limits: ClientLimits(step: patience, deadline: deadline))
        try ServerBehind.ask { () throws(ClientError) in try session.open(as: name) }
        return session
    }

    /// Turns the error of a session into that of a server behind.
    public static func ask<Value: ~Copyable>(
        _ body: () throws(ClientError) -> Value
    ) throws(ServerBehindError) -> Value {
        do {
            return try body()
        } catch {
            throw .session(error)
        }
    }
}
