// OpenDKIM: opendkim with a key of its own, which needs no DNS.
// opendkim.conf(5).
// SPDX-License-Identifier: MIT

import Glibc
import TestSupport
import UnixIO

extension UnpackedProgram {
    /// opendkim; one of its libraries is in `usr/lib` itself.
    static let opendkim = Result { try UnpackedProgram("opendkim", libraries: ["."]) }
}

/// A running opendkim that signs what one client sends for x.test, and verifies what others send.
final class OpenDKIM: Sendable {
    /// Where it listens.
    var socket: String { folder.file("dkim.sock") }
    /// What it logged.
    var log: String { daemon.log }
    private let folder: TestFolder
    private let daemon: Daemon

    /// Starts one with these lines in its configuration.
    init(_ lines: String = "", internalHost: String = "192.0.2.1") throws {
        folder = try TestFolder()
        try OpenDKIM.makeKey(folder)
        let configuration = """
            Domain x.test
            Selector sel
            KeyFile \(folder.file("key.pem"))
            TestPublicKeys \(folder.file("keys"))
            Mode sv
            InternalHosts \(internalHost)
            AuthservID mx.y.test
            Socket local:\(folder.file("dkim.sock"))
            Background no
            Syslog no
            RequireSafeKeys no
            \(lines)

            """
        try folder.write("conf", configuration)
        let tool = try UnpackedProgram.opendkim.get().tool(
            "usr/sbin/opendkim", ["-f", "-x", folder.file("conf")])
        let socket = folder.file("dkim.sock")
        daemon = try Daemon(tool, log: folder.file("log")) { (try? Files.status(socket)) != nil }
    }

    /// A key, and its record of the DNS in the form of `TestPublicKeys`.
    private static func makeKey(_ folder: TestFolder) throws {
        let key = folder.file("key.pem")
        let made = try Tool("/usr/bin/openssl", ["genrsa", "-out", key, "2048"]).run()
        guard made.code == 0 else { throw TestFailure("openssl: \(made.errors)") }
        let result = try Tool("/usr/bin/openssl", ["rsa", "-in", key, "-pubout"]).run()
        let lines = result.text.split(separator: "\n").filter { !$0.hasPrefix("-") }
        guard result.code == 0, lines.count > 3 else { throw TestFailure("no public key") }
        try folder.write(
            "keys", "sel._domainkey.x.test v=DKIM1; k=rsa; p=\(lines.joined())\n")
        _ = chmod(key, 0o600)
    }
}
