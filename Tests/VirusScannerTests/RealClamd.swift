// RealClamd: Debian's clamd with signatures of our own.
// SPDX-License-Identifier: MIT

import Glibc
import TestSupport
import UnixIO

/// A running clamd, on a Unix socket or on a port that the kernel chose.
final class RealClamd {
    /// What `--clamd` takes.
    let address: String
    let daemon: Daemon

    /// What an administrator is told to set.
    static let alerts = ["AlertEncrypted yes", "AlertExceedsMax yes", "AlertOLE2Macros yes"]

    init(
        in folder: TestFolder, database: String, onNetwork: Bool = false,
        _ settings: [String] = alerts
    ) throws {
        let name = onNetwork ? "clamd-network" : "clamd"
        let socket = folder.file("\(name).socket")
        let place = onNetwork ? "TCPSocket 3310" : "LocalSocket \(socket)"
        let user = getuid() == 0 ? ["User root"] : []
        let lines =
            [
                "DatabaseDirectory \(database)", "TemporaryDirectory \(folder.path)",
                "Foreground yes", "MaxThreads 4", place,
            ] + user + settings
        let file = try folder.write("\(name).conf", lines.map { "\($0)\n" }.joined())
        let log = folder.file("\(name).log")
        guard onNetwork else {
            address = socket
            daemon = try Daemon(try Tool("/usr/sbin/clamd", ["-c", file]), log: log) {
                RealClamd.listens(socket)
            }
            return
        }
        guard let any = InternetEndpoint(address: [127, 0, 0, 1], port: 0) else {
            throw TestFailure("no endpoint")
        }
        // As systemd would, we listen for it: then the kernel may choose the port.
        let listener = try InternetSocket.listen(on: any, "clamd", patience: .seconds(60))
        try listener.borrowed.setNonBlocking(false, "clamd")
        let script = "LISTEN_PID=$$ LISTEN_FDS=1 exec /usr/sbin/clamd -c \"$0\""
        var tool = try Tool("/bin/sh", ["-c", script, file])
        tool.descriptors = [3: listener.number]
        address = "127.0.0.1:\(InternetSocket.localEndpoint(of: listener.borrowed)?.port ?? 0)"
        daemon = try Daemon(tool, log: log) { true }
    }

    /// True once somebody listens: the socket is there a moment before.
    private static func listens(_ socket: String) -> Bool {
        do {
            _ = try UnixSocket.connect(to: socket, deadline: .after(.seconds(5)))
            return true
        } catch {
            return false
        }
    }
}
