// EximServer: an Exim of its own on one port of loopback.
// exim4(8).
// SPDX-License-Identifier: MIT

import Glibc
import TestSupport
import UnixIO

extension UnpackedProgram {
    static let exim = Result { try UnpackedProgram("exim4-daemon-light") }
    /// Debian's Exim has the name of a user in it that is made when it is installed.
    static let nssWrapper = Result { try UnpackedProgram("libnss-wrapper") }
}

/// A running Exim that takes every message and delivers what reaches its last router into mbox files
/// of alice and bob. It needs root to begin, and is nobody then.
final class EximServer: Sendable {
    /// The port of its daemon.
    let port: UInt16
    private let folder: TestFolder
    private let daemon: Daemon

    /// Starts one with a router before the last, and a transport. `EXIM` in them is its program.
    init(router: String, transport: String) throws {
        guard getuid() == 0, let nobody = getpwnam("nobody") else {
            throw TestFailure("Exim starts only as root")
        }
        let folder = try TestFolder()
        self.folder = folder
        port = try PostfixServer.freePort()
        chmod(folder.path, 0o755)
        for name in ["spool", "mail", "log"] {
            try Files.makeFolder(folder.file(name), mode: 0o755)
            guard chown(folder.file(name), nobody.pointee.pw_uid, nobody.pointee.pw_gid) == 0
            else { throw TestFailure("chown \(name)") }
        }
        let tool = try EximServer.program(folder)
        try folder.write(
            "conf",
            EximServer.configuration(folder, port, router, transport).replacing(
                "EXIM", with: folder.file("exim")), mode: 0o644)
        var begin = tool
        begin.arguments = ["-bdf"]
        let port = port
        daemon = try Daemon(begin, log: folder.file("daemon.log")) {
            (try? SMTPConversation(port: port)) != nil
        }
    }

    deinit { _ = try? daemon.stop() }

    /// A connection to it, with EHLO said.
    func connect() throws -> SMTPConversation {
        let conversation = try SMTPConversation(port: port)
        try conversation.say("EHLO client.a.test")
        return conversation
    }

    /// What it logged.
    var log: String {
        let main = (try? folder.read("log/main")) ?? []
        return String(decoding: main, as: UTF8.self) + daemon.log
    }

    /// What is in somebody's mbox file.
    func box(_ name: String) -> String {
        String(decoding: (try? folder.read("mail/\(name)")) ?? [], as: UTF8.self)
    }

    /// The ids of messages that wait.
    var waiting: [String] {
        folder.names(in: "spool/input").filter { $0.hasSuffix("-H") }.map { String($0.dropLast(2)) }
    }

    /// A copy without privileges of its own, which would keep it from what is unpacked, behind a
    /// script that says where all of that is.
    private static func program(_ folder: TestFolder) throws -> Tool {
        let exim = try UnpackedProgram.exim.get()
        let wrapper = try UnpackedProgram.nssWrapper.get()
        let tool = try exim.tool("usr/sbin/exim4", [])
        let copy = folder.file("exim4")
        let result = try Tool("/bin/cp", ["--no-preserve=mode", tool.path, copy]).run()
        guard result.code == 0, chmod(copy, 0o755) == 0 else {
            throw TestFailure("cp: \(result.errors)")
        }
        for (name, line) in [
            ("passwd", "Debian-exim:x:65534:65534::/:/bin/false\n"),
            ("group", "Debian-exim:x:65534:\n"),
        ] {
            let own = try Files.contents(of: "/etc/\(name)")
            try folder.write(name, own + Array(line.utf8), mode: 0o644)
        }
        var environment = tool.environment
        environment["LD_PRELOAD"] =
            "\(wrapper.root)/usr/lib/x86_64-linux-gnu/libnss_wrapper.so"
        environment["NSS_WRAPPER_PASSWD"] = folder.file("passwd")
        environment["NSS_WRAPPER_GROUP"] = folder.file("group")
        environment["LD_LIBRARY_PATH", default: ""] += ":\(exim.root)/usr/lib"
        let variables = environment.map { "\($0.key)='\($0.value)'" }.sorted()
        let script = """
            #!/bin/sh
            export \(variables.joined(separator: " "))
            exec '\(copy)' -C '\(folder.file("conf"))' "$@"

            """
        return try Tool(try folder.write("exim", script, mode: 0o755), [])
    }

    private static func configuration(
        _ folder: TestFolder, _ port: UInt16, _ router: String, _ transport: String
    ) -> String {
        """
        exim_path = EXIM
        exim_user = nobody
        exim_group = nogroup
        trusted_users = nobody
        never_users =
        spool_directory = \(folder.file("spool"))
        log_file_path = \(folder.file("log"))/%s
        pid_file_path = \(folder.file("spool/pid"))
        keep_environment = LD_LIBRARY_PATH : LD_PRELOAD : ^NSS_WRAPPER_
        primary_hostname = mx.b.test
        local_interfaces = 127.0.0.1
        daemon_smtp_ports = \(port)
        acl_smtp_rcpt = accept
        acl_smtp_data = accept
        tls_advertise_hosts =
        host_lookup =
        rfc1413_query_timeout = 0s
        begin acl
        begin routers
        \(router)
        boxes:
          driver = accept
          local_parts = alice : bob
          transport = boxes
        begin transports
        \(transport)
        boxes:
          driver = appendfile
          file = \(folder.file("mail"))/$local_part_data
          user = nobody
          group = nogroup
        begin retry
        * * F,2h,1h

        """
    }
}
