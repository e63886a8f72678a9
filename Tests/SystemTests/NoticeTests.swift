import Glibc
import TestSupport
import Testing
import UnixIO

/// sd_notify(3): what systemd hears of a server.
@Suite struct NoticeTests {
    /// A datagram socket at a path.
    private func listen(at path: String) throws -> OwnedDescriptor {
        let socket = OwnedDescriptor(
            try retrying("socket", path) {
                Glibc.socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
            })
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        let number = socket.number
        _ = try retrying("bind", path) {
            withUnsafePointer(to: address) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    bind(number, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
                }
            }
        }
        return socket
    }

    private func next(_ socket: Descriptor) throws -> String {
        guard try socket.wait(.toRead, until: .after(.seconds(30)), "notice") else {
            return "nothing"
        }
        var bytes = [UInt8](repeating: 0, count: 512)
        let got = recv(socket.rawValue, &bytes, bytes.count, 0)
        return String(decoding: bytes.prefix(max(0, got)), as: UTF8.self)
    }

    @Test func `systemd hears that all is ready, of a reload, and of the end`() throws {
        let server = try TestServer()
        try server.keepSteps(["20-rcpt-validate"])
        let path = server.folder.file("n")
        try #require(path.utf8.count < 100)
        let socket = try listen(at: path)
        try server.start { $0.environment["NOTIFY_SOCKET"] = path }
        #expect(try next(socket.borrowed) == "READY=1\n")
        server.service?.process.signal(SIGHUP)
        #expect(try next(socket.borrowed).contains(/^RELOADING=1\nMONOTONIC_USEC=[0-9]+\n$/))
        #expect(try next(socket.borrowed) == "READY=1\n")
        for pid in server.processes() {
            // One that ended meanwhile has none.
            let environment = (try? Files.contents(of: "/proc/\(pid)/environ")) ?? []
            #expect(!String(decoding: environment, as: UTF8.self).contains("NOTIFY_SOCKET"))
        }
        #expect(try server.stop() == .exited(0))
        #expect(try next(socket.borrowed) == "STOPPING=1\n")
    }
}
