// ClamdAddress: where a clamd listens.
// clamd.conf(5), LocalSocket and TCPSocket.
// SPDX-License-Identifier: MIT

import Control
import MailModel
import UnixIO

/// A Unix socket, or an address and a port.
public enum ClamdAddress: Hashable, Sendable, CustomStringConvertible {
    /// The path of a Unix socket.
    case local(String)
    /// An address and a port. clamd's protocol has no encryption.
    case network(Endpoint)

    /// Reads what holds a slash as a path, else `ADDRESS:PORT`; `localhost` is 127.0.0.1. Nil for
    /// anything else: no name is looked up.
    public init?(_ bytes: [UInt8]) {
        guard !bytes.contains(0x2F) else {
            self = .local(String(decoding: bytes, as: UTF8.self))
            return
        }
        let host = Array("localhost:".utf8)
        let isLocal = bytes.prefix(host.count).elementsEqual(host)
        let text = isLocal ? Array("127.0.0.1:".utf8) + bytes.dropFirst(host.count) : bytes
        guard let endpoint = Endpoint(text), endpoint.port > 0 else { return nil }
        self = .network(endpoint)
    }

    /// The form that it is read from.
    public var description: String {
        switch self {
        case .local(let path): path
        case .network(let endpoint): "\(endpoint)"
        }
    }

    /// A connection, non-blocking.
    /// - Throws: `SystemError`.
    func connect(_ deadline: Deadline) throws(SystemError) -> Connection {
        switch self {
        case .local(let path):
            let connection = try UnixSocket.connect(to: path, deadline: deadline)
            try connection.descriptor.borrowed.setNonBlocking(true, path)
            return connection
        case .network(let endpoint):
            let object = "\(endpoint)"
            guard
                let internet = InternetEndpoint(
                    address: endpoint.address.bytes, port: endpoint.port)
            else { throw SystemError("connect", object, .invalidArgument) }
            return Connection(
                try InternetSocket.connect(to: internet, object, deadline: deadline), object)
        }
    }
}
