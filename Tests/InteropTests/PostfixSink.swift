// PostfixSink: Postfix's smtp-sink, a server that takes every message.
// smtp-sink(1).
// SPDX-License-Identifier: MIT

import Glibc
import TestSupport
import UnixIO

/// A running smtp-sink that writes each message to a file.
final class PostfixSink: Sendable {
    let port: UInt16
    private let daemon: Daemon
    private let folder: TestFolder

    /// Starts one with these options.
    init(_ options: [String] = []) throws {
        folder = try TestFolder()
        // It gives up root's rights.
        guard chmod(folder.path, 0o777) == 0 else { throw TestFailure("chmod \(folder.path)") }
        let user = getuid() == 0 ? ["-u", "nobody"] : []
        let tool = try UnpackedProgram.postfix.get().tool(
            "usr/sbin/smtp-sink",
            user + options + ["-d", "\(folder.path)/mail.", "127.0.0.1:0", "100"])
        let log = try TestFolder()
        daemon = try Daemon(tool, log: log.file("log")) { true }
        let process = daemon.process
        var port: UInt16?
        guard
            eventually({
                port = ListeningPort.of(process.pid)
                return port != nil || process.termination != nil
            }), let port
        else { throw TestFailure("smtp-sink does not listen: \(daemon.log)") }
        self.port = port
    }

    /// Each message as it came: a header of its own (`X-Mail-Args`, `X-Rcpt-Args`, ...), a blank
    /// line where the message's header begins is not there.
    var messages: [String] {
        folder.names().compactMap { try? folder.read($0) }.map {
            String(decoding: $0, as: UTF8.self)
        }
    }
}

/// Where a process listens that chose its port itself.
enum ListeningPort {
    /// The port of the process's first listening IPv4 socket.
    static func of(_ pid: pid_t) -> UInt16? {
        let folder = "/proc/\(pid)/fd"
        let links = ((try? Files.names(in: folder)) ?? []).compactMap { link("\(folder)/\($0)") }
        let table = (try? Files.contents(of: "/proc/net/tcp")) ?? []
        for line in String(decoding: table, as: UTF8.self).split(separator: "\n") {
            let words = line.split(separator: " ")
            guard words.count > 9, words[3] == "0A", links.contains("socket:[\(words[9])]"),
                let port = words[1].split(separator: ":").last
            else { continue }
            return UInt16(port, radix: 16)
        }
        return nil
    }

    private static func link(_ path: String) -> String? {
        var buffer = [CChar](repeating: 0, count: 256)
        let length = readlink(path, &buffer, buffer.count)
        guard length > 0 else { return nil }
        return String(decoding: buffer[..<length].map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
