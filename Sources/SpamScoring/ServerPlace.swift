// ServerPlace: where a spamd or an rspamd listens.
// spam-check(8).
// SPDX-License-Identifier: MIT

import Control
import MailModel
import Resolver
import UnixIO

/// A Unix socket, or a host and a port. Nothing that goes there is encrypted.
public enum ServerPlace: Hashable, Sendable, CustomStringConvertible {
    /// The path of a Unix socket.
    case local(String)
    /// An address and a port.
    case address(Endpoint)
    /// A name, whose addresses are looked up for each message, and a port.
    case host(DomainName, port: UInt16)

    /// Reads what holds a slash as a path, else `HOST:PORT`, where HOST is an address or a name;
    /// `localhost` is 127.0.0.1. Nil for anything else.
    public init?(_ bytes: [UInt8], defaultPort: UInt16? = nil) {
        if bytes.contains(0x2F) {
            self = .local(String(decoding: bytes, as: UTF8.self))
            return
        }
        if let endpoint = Endpoint(bytes, defaultPort: defaultPort) {
            guard endpoint.port > 0 else { return nil }
            self = .address(endpoint)
            return
        }
        let parts = bytes.split(separator: 0x3A, omittingEmptySubsequences: false)
        let port =
            parts.count == 2 ? parts[1].decimalValue.flatMap({ UInt16(exactly: $0) }) : defaultPort
        guard parts.count <= 2, let port, port > 0, let name = DomainName(parts[0]),
            !name.isRoot, !name.isNumeric
        else { return nil }
        if name.bytes.equalsIgnoringASCIICase("localhost".utf8), let own = Endpoint("127.0.0.1:1") {
            self = .address(Endpoint(own.address, port: port))
        } else {
            self = .host(name, port: port)
        }
    }

    /// The form that it is read from.
    public var description: String {
        switch self {
        case .local(let path): path
        case .address(let endpoint): "\(endpoint)"
        case .host(let name, let port): "\(name):\(port)"
        }
    }

    /// A connection, non-blocking, to the first of the addresses that takes one.
    func connect(
        _ resolver: Resolver?, _ deadline: Deadline
    ) throws(SpamServerError) -> Connection {
        do throws(SystemError) {
            switch self {
            case .local(let path):
                let connection = try UnixSocket.connect(to: path, deadline: deadline)
                try connection.descriptor.borrowed.setNonBlocking(true, path)
                return connection
            case .address(let endpoint): return try endpoint.connect(deadline)
            case .host(let name, let port):
                let addresses = addresses(of: name, resolver, deadline)
                for address in addresses.dropLast() {
                    let share = Deadline.after(deadline.remaining / 2)
                    if let connection = try? Endpoint(address, port: port).connect(share) {
                        return connection
                    }
                }
                guard let last = addresses.last else {
                    throw SystemError("connect", "\(name)", .noSuchAddressOrDevice)
                }
                return try Endpoint(last, port: port).connect(deadline)
            }
        } catch {
            throw .system(error)
        }
    }

    /// Four of each family at most. A name that cannot be looked up has none.
    private func addresses(
        of name: DomainName, _ resolver: Resolver?, _ deadline: Deadline
    ) -> [IPAddress] {
        let version4 = (try? resolver?.a(name.bytes, deadline: deadline).values) ?? []
        let version6 = (try? resolver?.aaaa(name.bytes, deadline: deadline).values) ?? []
        return Array(version4.prefix(4) + version6.prefix(4))
    }
}

extension DomainName {
    /// An address that is not quite one is no name.
    fileprivate var isNumeric: Bool {
        labels.last { !$0.isEmpty }?.allSatisfy(\.isASCIIDigit) ?? true
    }
}

extension Endpoint {
    fileprivate func connect(_ deadline: Deadline) throws(SystemError) -> Connection {
        let object = "\(self)"
        guard let internet = InternetEndpoint(address: address.bytes, port: port) else {
            throw SystemError("connect", object, .invalidArgument)
        }
        return Connection(
            try InternetSocket.connect(to: internet, object, deadline: deadline), object)
    }
}
