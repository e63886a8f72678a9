// MilterAddress: where a milter listens.
// milter-filter(8); smfi_setconn.
// SPDX-License-Identifier: MIT

import Control
import MailModel
import UnixIO

/// A Unix socket, or an address and a port.
enum MilterAddress: Hashable, Sendable, CustomStringConvertible {
    case local(String)
    case network(Endpoint)

    /// Reads what milters and servers write: `unix:PATH`, `local:PATH` or a path;
    /// `inet:PORT@ADDRESS`, `inet:ADDRESS:PORT` or `ADDRESS:PORT`, the same with `inet6`.
    /// `localhost` is 127.0.0.1, for `inet6` it is ::1; no other name is looked up. Nil for
    /// anything else.
    init?(_ text: String) {
        let bytes = Array(text.utf8)
        let colon = bytes.firstIndex(of: 0x3A) ?? bytes.endIndex
        let rest = bytes[min(colon + 1, bytes.endIndex)...]
        switch String(decoding: bytes[..<colon], as: UTF8.self) {
        case "unix", "local":
            guard !rest.isEmpty else { return nil }
            self = .local(String(decoding: rest, as: UTF8.self))
        case "inet", "inet6":
            guard let endpoint = MilterAddress.endpoint(rest, isVersion6: bytes[4] == 0x36) else {
                return nil
            }
            self = .network(endpoint)
        default:
            if bytes.contains(0x2F) {
                self = .local(text)
            } else if let endpoint = MilterAddress.endpoint(bytes[...], isVersion6: false) {
                self = .network(endpoint)
            } else {
                return nil
            }
        }
    }

    /// `PORT@ADDRESS` or `ADDRESS:PORT`.
    private static func endpoint(_ text: ArraySlice<UInt8>, isVersion6: Bool) -> Endpoint? {
        let host: ArraySlice<UInt8>
        let port: ArraySlice<UInt8>
        if let at = text.firstIndex(of: 0x40) {
            (port, host) = (text[..<at], text[(at + 1)...])
        } else if let colon = text.lastIndex(of: 0x3A) {
            (host, port) = (text[..<colon], text[(colon + 1)...])
        } else {
            return nil
        }
        guard let number = port.decimalValue.flatMap(UInt16.init(exactly:)), number > 0 else {
            return nil
        }
        let isBracketed = host.first == 0x5B && host.last == 0x5D && host.count > 2
        var name = isBracketed ? Array(host.dropFirst().dropLast()) : Array(host)
        if name.equalsIgnoringASCIICase("localhost".utf8) {
            name = Array((isVersion6 ? "::1" : "127.0.0.1").utf8)
        }
        return IPAddress(name).map { Endpoint($0, port: number) }
    }

    var description: String {
        switch self {
        case .local(let path): "unix:\(path)"
        case .network(let endpoint): "inet:\(endpoint)"
        }
    }

    /// A connection, non-blocking.
    /// - Throws: `SystemError`.
    func connect(_ deadline: Deadline) throws(SystemError) -> Connection {
        let object = description
        switch self {
        case .local(let path):
            let connection = try UnixSocket.connect(to: path, deadline: deadline)
            try connection.descriptor.borrowed.setNonBlocking(true, object)
            return connection
        case .network(let endpoint):
            let address = endpoint.address.bytes
            guard let internet = InternetEndpoint(address: address, port: endpoint.port) else {
                throw SystemError("connect", object, .invalidArgument)
            }
            return Connection(
                try InternetSocket.connect(to: internet, object, deadline: deadline), object)
        }
    }
}
