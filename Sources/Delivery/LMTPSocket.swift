// LMTPSocket: the connection to a server of LMTP.
// deliver-local(8), section LMTP.
// SPDX-License-Identifier: MIT

import MailModel
import Recipients
import Resolver
import UnixIO

/// Finds and connects to an endpoint.
struct LMTPSocket {
    /// The most addresses of a host that are tried.
    private static let mostAddresses = 8

    private let endpoint: LMTPEndpoint
    private let resolver: Resolver

    init(_ endpoint: LMTPEndpoint, _ resolver: Resolver) {
        self.endpoint = endpoint
        self.resolver = resolver
    }

    /// A non-blocking connection.
    /// - Throws: `SystemError`; of several addresses that of the last one.
    func connect(deadline: Deadline) throws(SystemError) -> OwnedDescriptor {
        switch endpoint {
        case .unix(let path):
            let connection = try UnixSocket.connect(to: path, deadline: deadline)
            return try connection.descriptor.duplicate()
        case .inet(let host, let port):
            var failure = SystemError("resolve", host, .noSuchFileOrDirectory)
            for address in try addresses(of: host, deadline).prefix(LMTPSocket.mostAddresses) {
                guard let place = InternetEndpoint(address: address.bytes, port: port) else {
                    continue
                }
                do throws(SystemError) {
                    return try InternetSocket.connect(
                        to: place, "\(host):\(port)", deadline: deadline)
                } catch {
                    failure = error
                }
            }
            throw failure
        }
    }

    /// What the name stands for: an address itself, `localhost` (RFC 6761, section 6.3), or what
    /// the DNS says.
    private func addresses(
        of host: String, _ deadline: Deadline
    ) throws(SystemError) -> [IPAddress] {
        if let address = IPAddress(Array(host.utf8)) { return [address] }
        if host.utf8.equalsIgnoringASCIICase("localhost".utf8) {
            return ["127.0.0.1", "::1"].compactMap { IPAddress(Array($0.utf8)) }
        }
        let name = Array(host.utf8)
        var addresses: [IPAddress] = []
        var isKnown = true
        for isSix in [false, true] {
            do throws(ResolverError) {
                let found =
                    try isSix
                    ? resolver.aaaa(name, deadline: deadline) : resolver.a(name, deadline: deadline)
                addresses += found.values
            } catch {
                isKnown = false
            }
        }
        if addresses.isEmpty, !isKnown { throw SystemError("resolve", host, .timedOut) }
        return addresses
    }
}
