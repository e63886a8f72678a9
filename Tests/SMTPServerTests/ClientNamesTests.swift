// Tests of ClientNames.
// SPDX-License-Identifier: MIT

import Control
import Glibc
import MailModel
import Resolver
import TestSupport
import Testing
import UnixIO

@testable import SMTPServer

/// A name server that never answers.
private final class SilentServer {
    private let socket: OwnedDescriptor
    let endpoint: Endpoint

    init() throws {
        socket = OwnedDescriptor(
            try retrying("socket", "silent") {
                Glibc.socket(AF_INET, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
            })
        let number = socket.number
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = in_addr_t(0x7F00_0001).bigEndian
        _ = try retrying("bind", "silent") {
            withUnsafePointer(to: address) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    bind(number, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
                }
            }
        }
        let port = try #require(InternetSocket.localEndpoint(of: socket.borrowed)?.port)
        endpoint = try #require(Endpoint(Array("127.0.0.1:\(port)".utf8)))
    }

    /// How many questions have come since it was asked.
    func questions() -> Int {
        var bytes = [UInt8](repeating: 0, count: 512)
        var count = 0
        while recv(socket.number, &bytes, bytes.count, Int32(MSG_DONTWAIT)) > 0 { count += 1 }
        return count
    }
}

struct ClientNamesTests {
    @Test func `who makes us wait for a name in vain does so once`() throws {
        let server = try SilentServer()
        let resolver = Resolver(
            servers: [server.endpoint], timeout: .milliseconds(100), attempts: 1)
        let names = ClientNames(resolver, budget: .seconds(2))
        let client = try #require(IPAddress("192.0.2.1"))
        #expect(names.name(of: client) == nil)
        #expect(server.questions() == 1)
        #expect(names.name(of: client) == nil)
        #expect(server.questions() == 0)
        #expect(names.name(of: try #require(IPAddress("192.0.2.2"))) == nil)
        #expect(server.questions() == 1)
    }
}
