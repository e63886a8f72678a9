// Sockets: a datagram socket and a listening stream socket on one port.
// udp(7), tcp(7).
// SPDX-License-Identifier: MIT

import Glibc
import MailModel
import Resolver
import UnixIO

struct Sockets: ~Copyable {
    let datagrams: OwnedDescriptor
    let streams: OwnedDescriptor
    let port: UInt16

    /// Binds both to an IPv4 address; port 0 takes one that is free for both.
    init(_ address: IPAddress, port: UInt16) throws(SystemError) {
        var attempts = 50
        while true {
            let datagrams = try Sockets.bound(SOCK_DGRAM, address, port)
            let number = Sockets.port(of: datagrams)
            do throws(SystemError) {
                let streams = try Sockets.bound(SOCK_STREAM, address, number)
                _ = try retrying("listen", "\(address):\(number)") { listen(streams.number, 64) }
                self.datagrams = datagrams
                self.streams = streams
                self.port = number
                return
            } catch {
                // Another program's stream socket may have the port that the kernel gave us.
                attempts -= 1
                guard port == 0, error.errno == .addressInUse, attempts > 0 else { throw error }
            }
        }
    }

    private static func bound(
        _ type: __socket_type, _ address: IPAddress, _ port: UInt16
    ) throws(SystemError) -> OwnedDescriptor {
        let kind = type.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue
        let made = OwnedDescriptor(
            try retrying("socket", "\(address)") { socket(AF_INET, Int32(kind), 0) })
        var isReused: Int32 = 1
        if type == SOCK_STREAM {
            setsockopt(made.number, SOL_SOCKET, SO_REUSEADDR, &isReused, 4)
        }
        var name = sockaddr_in()
        name.sin_family = sa_family_t(AF_INET)
        name.sin_port = port.bigEndian
        withUnsafeMutableBytes(of: &name.sin_addr) { $0.copyBytes(from: address.bytes) }
        let number = made.number
        _ = try retrying("bind", "\(address):\(port)") {
            withUnsafePointer(to: name) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    bind(number, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
                }
            }
        }
        return made
    }

    private static func port(of socket: borrowing OwnedDescriptor) -> UInt16 {
        var name = sockaddr_in()
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let number = socket.number
        withUnsafeMutablePointer(to: &name) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                _ = getsockname(number, $0, &size)
            }
        }
        return UInt16(bigEndian: name.sin_port)
    }
}
