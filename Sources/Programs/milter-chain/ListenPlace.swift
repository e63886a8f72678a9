// ListenPlace: where MTAs find us.
// milter-chain(8), option --listen.
// SPDX-License-Identifier: MIT

import Control
import Glibc
import MailModel
import UnixIO

/// Who may connect to a socket of a path.
struct SocketAccess {
    let mode: UInt32
    let group: gid_t?

    /// - Throws: `UsageError`; `SystemError` when the groups cannot be read.
    init(_ options: Options) throws {
        mode =
            try options.read("socket-mode", "an octal mode such as 660") { text in
                let isOctal = !text.isEmpty && text.allSatisfy { (0x30...0x37).contains($0) }
                guard isOctal, text.count <= 4 else { return nil }
                return UInt32(text.reduce(0) { $0 * 8 + Int($1) - 0x30 }) & 0o777
            } ?? 0o660
        guard let name = options["socket-group"] else {
            group = nil
            return
        }
        let lines = try Files.contents(of: "/etc/group").split(separator: 0x0A)
        let found = lines.lazy.map { line in
            line.split(separator: 0x3A, omittingEmptySubsequences: false)
        }.first { $0.count == 4 && $0[0].elementsEqual(name.utf8) }
        guard let number = found?[2].decimalValue.flatMap(gid_t.init(exactly:)) else {
            throw UsageError("--socket-group \(name): no such group in /etc/group")
        }
        group = number
    }
}

/// An address with a port, or a path.
enum ListenPlace: CustomStringConvertible {
    case internet(Endpoint)
    case path(String)

    /// Reads `ADDRESS:PORT` or a path from `/` on; both may have what milters write before it,
    /// `inet:` or `unix:`.
    init?(_ text: String) {
        var rest = Substring(text)
        for prefix in ["inet:", "inet6:", "unix:", "local:"] where rest.hasPrefix(prefix) {
            rest = rest.dropFirst(prefix.utf8.count)
            break
        }
        if rest.hasPrefix("/"), !rest.hasSuffix("/"), !rest.utf8.contains(0) {
            self = .path(String(rest))
        } else if let endpoint = Endpoint(String(rest)) {
            self = .internet(endpoint)
        } else {
            return nil
        }
    }

    /// A listening socket.
    /// - Throws: `SystemError`.
    func listen(_ access: SocketAccess) throws -> OwnedDescriptor {
        switch self {
        case .internet(let endpoint):
            guard
                let address = InternetEndpoint(
                    address: endpoint.address.bytes, port: endpoint.port)
            else { throw UsageError("--listen \(endpoint): not an address") }
            // libmilter waits by poll, and would take an end of our patience for an error.
            return try InternetSocket.listen(on: address, "\(endpoint)", patience: .zero)
        case .path(let path):
            let socket = try UnixSocket.listen(at: path, mode: access.mode)
            if let group = access.group {
                _ = try retrying("chown", path) { chown(path, uid_t.max, group) }
            }
            return socket
        }
    }

    /// The form that it is read from.
    var description: String {
        switch self {
        case .internet(let endpoint): "\(endpoint)"
        case .path(let path): path
        }
    }

    /// Where a socket listens, with the port that the kernel chose; nil for one of a path.
    static func endpoint(of socket: Descriptor) -> String? {
        guard let endpoint = InternetSocket.localEndpoint(of: socket),
            let address = IPAddress(bytes: endpoint.address)
        else { return nil }
        return "\(Endpoint(address, port: endpoint.port))"
    }
}
