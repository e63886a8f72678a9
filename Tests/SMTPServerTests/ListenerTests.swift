// Tests of where smtp-server listens, and for what.
// smtp-server(8), section Services; sd_listen_fds(3).
// SPDX-License-Identifier: MIT

import Glibc
import MailModel
import TestSupport
import Testing
import UnixIO

@Suite struct ListenerTests {
    private let folder: TestFolder

    init() throws {
        folder = try TestFolder()
        try folder.write("etc/filters.d/.keep", "")
        try folder.write("etc/control/me", "mx.example.test\n")
    }

    /// A socket that listens on a port of the kernel's choice.
    private final class Socket {
        let owned: OwnedDescriptor
        let port: UInt16

        init() throws {
            let any = try #require(InternetEndpoint(address: [127, 0, 0, 1], port: 0))
            owned = try InternetSocket.listen(on: any, "test")
            port = try #require(InternetSocket.localEndpoint(of: owned.borrowed)?.port)
        }

        var number: Int32 { owned.number }
    }

    /// The server as systemd starts it: the sockets are descriptors 3 and 4.
    private func passed(
        _ sockets: [Int32], _ names: String?, _ options: [String] = []
    ) throws -> Tool {
        let script = try folder.write(
            "start", "#!/bin/sh\nLISTEN_PID=$$ exec \(try Tool.path("smtp-server")) \"$@\"\n",
            mode: 0o700)
        var tool = try Tool(script, ["--root", folder.path] + options)
        tool.environment["LISTEN_FDS"] = "\(sockets.count)"
        tool.environment["LISTEN_FDNAMES"] = names
        for (index, socket) in sockets.enumerated() { tool.descriptors[Int32(3 + index)] = socket }
        return tool
    }

    @Test func `every listener has its service, in the ready line too`() throws {
        let server = try Service(
            try Tool(
                "smtp-server",
                ["--root", folder.path, "--listen", "127.0.0.1:0", "--listen"]
                    + ["submission=127.0.0.1:0", "--workers", "1-4"]), log: folder.file("log"))
        let words = server.ready.split(separator: " ")
        #expect(words.count == 3)
        #expect(words[1].hasPrefix("smtp=127.0.0.1:"))
        #expect(words[2].hasPrefix("submission=127.0.0.1:"))
        let port = try #require(UInt16(words[2].split(separator: ":").last ?? ""))
        let client = try SMTPDialogue(port: port)
        #expect(try client.reply()?.code == 220)
        #expect(eventually { server.log.contains("service=submission") })
    }

    @Test func `passed sockets have the services of their names`() throws {
        let (first, second) = (try Socket(), try Socket())
        let sockets = [first.number, second.number]
        let tool = try passed(sockets, "submission:smtp", ["--workers", "1-4"])
        let server = try Service(tool, log: folder.file("log"))
        #expect(
            server.ready
                == "READY submission=127.0.0.1:\(first.port) smtp=127.0.0.1:\(second.port)")
        let client = try SMTPDialogue(port: first.port)
        #expect(try client.reply()?.code == 220)
    }

    @Test func `passed sockets without names are for the service of the option`() throws {
        let one = try Socket()
        let tool = try passed(
            [one.number], nil,
            ["--service", "submission", "--workers", "1-2"])
        let server = try Service(tool, log: folder.file("log"))
        #expect(server.ready == "READY submission=127.0.0.1:\(one.port)")
    }

    private static let strangers = [
        (AF_INET, SOCK_STREAM), (AF_INET, SOCK_DGRAM), (AF_UNIX, SOCK_STREAM),
    ]

    @Test(arguments: strangers)
    func `passed sockets that are no listeners of TCP are refused`(
        _ family: Int32, _ type: __socket_type
    ) throws {
        let one = OwnedDescriptor(socket(family, Int32(type.rawValue), 0))
        if family == AF_UNIX {
            // The kernel chooses a name for an address that is a family alone.
            var address = sockaddr(sa_family: sa_family_t(AF_UNIX), sa_data: sockaddr().sa_data)
            #expect(bind(one.number, &address, socklen_t(MemoryLayout<sa_family_t>.size)) == 0)
            #expect(listen(one.number, 1) == 0)
        }
        let result = try passed([one.number], nil).run()
        #expect(result.code == 64)
        #expect(result.errors.contains("descriptor 3"), "\(result.errors)")
    }

    @Test(arguments: ["chainmail.socket", "smtp:smtp", ""])
    func `names that are no services of the sockets are refused`(_ names: String) throws {
        let one = try Socket()
        let result = try passed([one.number], names).run()
        #expect(result.code == 64)
        #expect(result.errors.contains("LISTEN_FDNAMES \(names)"), "\(result.errors)")
    }

    private static let files: [(String, String)] = [
        ("workers 2-4\nno-such 1\n", "smtpserver:2"), ("# x\nlisten 127.0.0.1:0\n", "smtpserver:2"),
        ("workers\n", "smtpserver:1"), ("workers 1\nworkers 2\n", "smtpserver:2"),
        ("workers 0\n", "control/smtpserver: --workers 0"),
    ]

    @Test(arguments: files)
    func `a wrong line of options is named`(_ text: String, _ where: String) throws {
        try folder.write("etc/control/smtpserver", text)
        let result = try Tool(
            "smtp-server", ["--root", folder.path, "--listen", "127.0.0.1:0"]
        ).run()
        #expect([64, 78].contains(result.code))
        #expect(result.errors.contains(`where`), "\(result.errors)")
    }

    @Test func `an option of the file holds, and the command line wins`() throws {
        let control = ["smtpserver": "command-timeout  100ms\n"]
        let hasty = try TestServer(control: control)
        let client = try hasty.connect()
        _ = try client.reply()
        #expect(try client.reply()?.code == 421)
        let patient = try TestServer(control: control, options: ["--command-timeout", "1m"])
        let other = try patient.connect()
        _ = try other.reply()
        usleep(400_000)
        #expect(try other.say("NOOP")?.code == 250)
    }
}
