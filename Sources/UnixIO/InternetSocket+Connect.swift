// InternetSocket+Connect: connections to other hosts.
// connect(2), tcp(7).
// SPDX-License-Identifier: MIT

import Glibc
import SystemPackage

extension InternetSocket {
    /// A connection to another host. It is non-blocking and has `TCP_NODELAY`. With a source our end
    /// has that address; its port is chosen by the kernel.
    /// - Throws: `SystemError`, `ETIMEDOUT` when it is not there by the deadline.
    public static func connect(
        to endpoint: InternetEndpoint, from source: [UInt8]? = nil, _ object: String,
        deadline: Deadline
    ) throws(SystemError) -> OwnedDescriptor {
        let family = endpoint.address.count == 4 ? AF_INET : AF_INET6
        let type = Int32(
            SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
        let socket = OwnedDescriptor(
            try retrying("socket", object) { Glibc.socket(family, type, 0) })
        let number = socket.number
        if let source { try bind(socket.borrowed, to: source, object) }
        let result = endpoint.withSocketAddress { Glibc.connect(number, $0, $1) }
        if result != 0 {
            // A connect(2) that a signal interrupts goes on, too.
            guard errno == EINPROGRESS || errno == EINTR else {
                throw SystemError.last("connect", object)
            }
            guard try socket.borrowed.wait(.toWrite, until: deadline, object) else {
                throw .timedOut("connect", object)
            }
        }
        var error: Int32 = 0
        var size = socklen_t(MemoryLayout<Int32>.size)
        _ = try retrying("getsockopt", object) {
            getsockopt(number, SOL_SOCKET, SO_ERROR, &error, &size)
        }
        guard error == 0 else { throw SystemError("connect", object, Errno(rawValue: error)) }
        var one: Int32 = 1
        _ = try retrying("setsockopt", object) {
            setsockopt(number, Int32(IPPROTO_TCP), TCP_NODELAY, &one, size)
        }
        return socket
    }

    private static func bind(
        _ socket: Descriptor, to address: [UInt8], _ object: String
    ) throws(SystemError) {
        guard let endpoint = InternetEndpoint(address: address, port: 0) else {
            throw SystemError("bind", object, .invalidArgument)
        }
        // The port is chosen with the other end known, so that many can share one. An older kernel
        // chooses it now.
        var one: Int32 = 1
        _ = setsockopt(
            socket.rawValue, Int32(IPPROTO_IP), IP_BIND_ADDRESS_NO_PORT, &one,
            socklen_t(MemoryLayout<Int32>.size))
        let number = socket.rawValue
        _ = try endpoint.withSocketAddress { address, length in
            Result { () throws(SystemError) in
                try retrying("bind", object) { Glibc.bind(number, address, length) }
            }
        }.get()
    }

    /// The addresses of this host's interfaces, 4 or 16 bytes each.
    /// - Throws: `SystemError`.
    public static func ownAddresses() throws(SystemError) -> [[UInt8]] {
        var list: UnsafeMutablePointer<ifaddrs>?
        _ = try retrying("getifaddrs", "interfaces") { getifaddrs(&list) }
        defer { freeifaddrs(list) }
        var addresses: [[UInt8]] = []
        var next = list
        while let entry = next {
            next = entry.pointee.ifa_next
            guard let address = entry.pointee.ifa_addr else { continue }
            switch Int32(address.pointee.sa_family) {
            // The address begins after family and port, in IPv6 after the flow information too.
            case AF_INET: addresses.append(bytes(of: address, 4..<8))
            case AF_INET6: addresses.append(bytes(of: address, 8..<24))
            default: break
            }
        }
        return addresses
    }

    private static func bytes(
        of address: UnsafeMutablePointer<sockaddr>, _ range: Range<Int>
    ) -> [UInt8] {
        let whole = UnsafeRawBufferPointer(start: address, count: range.upperBound)
        return [UInt8](whole[range])
    }
}
