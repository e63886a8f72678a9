// ServiceSockets: the sockets that programs are given, since only root may make them.
// chainmail(7), section SOCKETS.
// SPDX-License-Identifier: MIT

import Control
import Glibc
import MailModel
import UnixIO

/// Who may call a service.
struct SocketAccess {
    /// May connect.
    let owner: uid_t
    let group: gid_t
    let mode: UInt32
}

/// Sockets that listen for as long as this process runs. A program that is started again finds
/// what came meanwhile.
enum ServiceSockets {
    /// The socket of a service in the run folder.
    /// - Throws: `SystemError`.
    static func listen(at path: String, _ access: SocketAccess) throws(SystemError) -> PassedSocket
    {
        // Closed to all until it has its owner.
        let socket = try UnixSocket.listen(at: path, mode: 0)
        _ = try retrying("chown", path) { lchown(path, access.owner, access.group) }
        _ = try retrying("chmod", path) { chmod(path, access.mode) }
        let name = path.split(separator: "/").last.map(String.init) ?? path
        return PassedSocket(name, socket.take())
    }

    /// The listeners of `control/listen`, each with its service as its name.
    /// - Throws: `SystemError` with address and port.
    static func listen(on listeners: [Listener]) throws(SystemError) -> [PassedSocket] {
        let any4 = IPAddress("0.0.0.0")
        var sockets: [PassedSocket] = []
        for listener in listeners {
            let endpoint = listener.endpoint
            // `[::]` takes IPv4 too, unless that has a line of its own.
            let isShared = listeners.contains {
                $0.endpoint.port == endpoint.port && $0.endpoint.address == any4
            }
            guard
                let address = InternetEndpoint(
                    address: endpoint.address.bytes, port: endpoint.port)
            else { continue }
            let socket = try InternetSocket.listen(
                on: address, "\(endpoint)", isVersion6Only: isShared)
            sockets.append(PassedSocket(listener.service.rawValue, socket.take()))
        }
        return sockets
    }
}
