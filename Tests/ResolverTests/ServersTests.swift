// SPDX-License-Identifier: MIT

import Control
import TestSupport
import Testing

@testable import Resolver

struct ServersTests {
    private static let usage = Usage("x", "x", [.values("resolver", "ADDRESS[:PORT]", "x")])

    private func servers(_ arguments: [String], _ folder: TestFolder) throws -> [String] {
        let options = try Self.usage.parse(arguments.map { Array($0.utf8) })
        return try Resolver.servers(options, ControlFolder(folder.path)).map(\.description)
    }

    @Test func `options come first, in their order`() throws {
        let folder = try TestFolder()
        try folder.write("resolver", "192.0.2.3\n")
        let given = ["--resolver", "192.0.2.1", "--resolver", "[2001:db8::1]:5353"]
        #expect(try servers(given, folder) == ["192.0.2.1:53", "[2001:db8::1]:5353"])
    }

    @Test func `else the control file`() throws {
        let folder = try TestFolder()
        try folder.write("resolver", "192.0.2.3:5353\n")
        #expect(try servers([], folder) == ["192.0.2.3:5353"])
    }

    @Test(arguments: ["host.test", "192.0.2.1:0", "192.0.2.1:99999", ""])
    func `an option that is no address is refused`(text: String) throws {
        let folder = try TestFolder()
        #expect(throws: UsageError.self) { try servers(["--resolver", text], folder) }
    }

    @Test func `the host's file gives its first three servers`() throws {
        let folder = try TestFolder()
        let file = try folder.write(
            "resolv.conf",
            """
            # nameserver 192.0.2.9
            search example.test
            nameserver 192.0.2.1
            nameserver\t2001:db8::1 \r
            nameserver fe80::1%eth0
            nameserver
            nameserver 192.0.2.2
            nameserver 192.0.2.3
            """)
        let servers = try Resolver.hostServers(file: file).map(\.description)
        #expect(servers == ["192.0.2.1:53", "[2001:db8::1]:53", "192.0.2.2:53"])
    }

    @Test func `a host without a file asks itself`() throws {
        let folder = try TestFolder()
        let servers = try Resolver.hostServers(file: folder.file("none"))
        #expect(servers.map(\.description) == ["127.0.0.1:53"])
    }
}
