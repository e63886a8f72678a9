// InternetSocket: TCP listeners, and who is at the two ends of a connection.
// tcp(7), ip(7), ipv6(7).
// SPDX-License-Identifier: MIT

import Glibc
import SystemPackage

/// An address and a port, as the kernel has them.
public struct InternetEndpoint: Hashable, Sendable {
    /// 4 or 16 bytes in network order.
    public let address: [UInt8]
    /// The port.
    public let port: UInt16

    /// An endpoint; nil unless the address has 4 or 16 bytes.
    public init?(address: [UInt8], port: UInt16) {
        guard address.count == 4 || address.count == 16 else { return nil }
        self.address = address
        self.port = port
    }
}

/// Stream sockets of the Internet.
public enum InternetSocket {
    /// A listening socket. What is accepted from it has `TCP_NODELAY`, and a read or write that
    /// waits for longer than `patience` is `EAGAIN`: on Linux an accepted socket begins with its
    /// listener's options, which saves the calls that would set them for each.
    ///
    /// An IPv6 socket takes IPv4 connections too, unless `isVersion6Only`. Throws `SystemError`
    /// with the description given.
    public static func listen(
        on endpoint: InternetEndpoint, _ object: String, isVersion6Only: Bool = false,
        patience: Duration = .seconds(1), backlog: Int32 = 1024
    ) throws(SystemError) -> OwnedDescriptor {
        let family = endpoint.address.count == 4 ? AF_INET : AF_INET6
        let socket = OwnedDescriptor(
            try retrying("socket", object) {
                Glibc.socket(family, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
            })
        try set(socket.borrowed, SOL_SOCKET, SO_REUSEADDR, 1, object)
        try set(socket.borrowed, Int32(IPPROTO_TCP), TCP_NODELAY, 1, object)
        if family == AF_INET6 {
            try set(
                socket.borrowed, Int32(IPPROTO_IPV6), IPV6_V6ONLY, isVersion6Only ? 1 : 0, object)
        }
        try setPatience(of: socket.borrowed, patience, object)
        let number = socket.number
        _ = try endpoint.withSocketAddress { address, length in
            Result { () throws(SystemError) in
                try retrying("bind", object) { bind(number, address, length) }
            }
        }.get()
        _ = try retrying("listen", object) { Glibc.listen(number, backlog) }
        return socket
    }

    /// How long a read or a write may wait before it is `EAGAIN`.
    /// - Throws: `SystemError`, `ENOTSOCK` for what is no socket.
    public static func setPatience(
        of socket: Descriptor, _ patience: Duration, _ object: @autoclosure () -> String
    ) throws(SystemError) {
        let (seconds, attoseconds) = patience.components
        var time = timeval(
            tv_sec: Int(clamping: seconds), tv_usec: Int(attoseconds / 1_000_000_000_000))
        let length = socklen_t(MemoryLayout<timeval>.size)
        for option in [SO_RCVTIMEO, SO_SNDTIMEO] {
            _ = try retrying("setsockopt", object()) {
                setsockopt(socket.rawValue, SOL_SOCKET, option, &time, length)
            }
        }
    }

    /// Our end of a socket; nil for what is no socket of the Internet.
    public static func localEndpoint(of socket: Descriptor) -> InternetEndpoint? {
        InternetEndpoint(asking: { getsockname(socket.rawValue, $0, $1) })
    }

    /// The other end of a connected socket; nil when it is gone or no socket of the Internet.
    public static func peerEndpoint(of socket: Descriptor) -> InternetEndpoint? {
        InternetEndpoint(asking: { getpeername(socket.rawValue, $0, $1) })
    }

    private static func set(
        _ socket: Descriptor, _ level: Int32, _ option: Int32, _ value: Int32, _ object: String
    ) throws(SystemError) {
        var value = value
        _ = try retrying("setsockopt", object) {
            setsockopt(
                socket.rawValue, level, option, &value, socklen_t(MemoryLayout<Int32>.size))
        }
    }
}

extension InternetEndpoint {
    fileprivate init?(
        asking ask: (UnsafeMutablePointer<sockaddr>, UnsafeMutablePointer<socklen_t>) -> Int32
    ) {
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let result = withUnsafeMutablePointer(to: &storage) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { ask($0, &length) }
        }
        guard result == 0 else { return nil }
        let family = Int32(storage.ss_family)
        let found = withUnsafeBytes(of: &storage) { bytes -> (address: [UInt8], port: UInt16)? in
            let port = UInt16(bytes[2]) << 8 | UInt16(bytes[3])
            switch family {
            // The address begins after family and port, in IPv6 after the flow information too.
            case AF_INET: return (Array(bytes[4..<8]), port)
            case AF_INET6: return (Array(bytes[8..<24]), port)
            default: return nil
            }
        }
        guard let found else { return nil }
        self.init(address: found.address, port: found.port)
    }

    func withSocketAddress<Result>(
        _ body: (UnsafePointer<sockaddr>, socklen_t) -> Result
    ) -> Result {
        var storage = sockaddr_storage()
        storage.ss_family = sa_family_t(address.count == 4 ? AF_INET : AF_INET6)
        withUnsafeMutableBytes(of: &storage) { bytes in
            bytes[2] = UInt8(port >> 8)
            bytes[3] = UInt8(port & 0xFF)
            for (index, byte) in address.enumerated() {
                bytes[(address.count == 4 ? 4 : 8) + index] = byte
            }
        }
        let size =
            address.count == 4
            ? MemoryLayout<sockaddr_in>.size : MemoryLayout<sockaddr_in6>.size
        return withUnsafePointer(to: &storage) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                body($0, socklen_t(size))
            }
        }
    }
}
