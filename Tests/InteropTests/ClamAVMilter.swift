// ClamAVMilter: clamav-milter and a clamd with one signature.
// clamav-milter.conf(5).
// SPDX-License-Identifier: MIT

import Glibc
import TestSupport
import UnixIO

extension UnpackedProgram {
    /// clamav-milter; clamd is the host's.
    static let clamavMilter = Result { try UnpackedProgram("clamav-milter") }
}

/// A running clamav-milter that finds `this is a virus`.
final class ClamAVMilter: Sendable {
    /// Where it listens.
    var socket: String { folder.file("milter.sock") }
    private let folder: TestFolder
    private let clamd: Daemon
    private let daemon: Daemon

    /// Starts one with these lines in its configuration.
    init(_ lines: String) throws {
        folder = try TestFolder()
        let user = getuid() == 0 ? "User root\n" : ""
        try folder.write("db/test.ndb", "Test.Text:0:*:746869732069732061207669727573\n")
        try folder.write(
            "clamd.conf",
            """
            DatabaseDirectory \(folder.file("db"))
            TemporaryDirectory \(folder.path)
            LocalSocket \(folder.file("clamd.sock"))
            Foreground yes
            MaxThreads 2
            \(user)
            """)
        let clamdSocket = folder.file("clamd.sock")
        clamd = try Daemon(
            Tool("/usr/sbin/clamd", ["-c", folder.file("clamd.conf")]), log: folder.file("clamd")
        ) { ClamAVMilter.listens(clamdSocket) }
        try folder.write(
            "milter.conf",
            """
            MilterSocket unix:\(folder.file("milter.sock"))
            ClamdSocket unix:\(folder.file("clamd.sock"))
            TemporaryDirectory \(folder.path)
            Foreground yes
            LogVerbose yes
            LogFile \(folder.file("log"))
            \(user)\(lines)

            """)
        let tool = try UnpackedProgram.clamavMilter.get().tool(
            "usr/sbin/clamav-milter", ["-c", folder.file("milter.conf")])
        let socket = folder.file("milter.sock")
        // Before it has tried clamd it defers.
        let log = folder.file("log")
        daemon = try Daemon(tool, log: folder.file("milter")) {
            let said = (try? Files.contents(of: log)) ?? []
            return String(decoding: said, as: UTF8.self).contains("returned: success")
                && ClamAVMilter.listens(socket)
        }
    }

    /// True once somebody listens: a socket is there a moment before.
    private static func listens(_ socket: String) -> Bool {
        do {
            _ = try UnixSocket.connect(to: socket, deadline: .after(.seconds(5)))
            return true
        } catch {
            return false
        }
    }
}
