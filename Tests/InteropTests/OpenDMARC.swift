// OpenDMARC: opendmarc, which asks a zone-server of ours.
// opendmarc.conf(5).
// SPDX-License-Identifier: MIT

import Glibc
import TestSupport
import UnixIO

extension UnpackedProgram {
    /// opendmarc.
    static let opendmarc = Result { try UnpackedProgram("opendmarc") }
}

/// A running opendmarc that knows the policies of some domains: x.test rejects, q.test has
/// quarantine, n.test has none; mail of x.test may come from 192.0.2.1.
final class OpenDMARC: Sendable {
    /// Where it listens.
    var socket: String { folder.file("dmarc.sock") }
    /// What it logged.
    var log: String { daemon.log }
    private let folder: TestFolder
    private let zone: Service
    private let daemon: Daemon

    private static let records = """
        _dmarc.x.test. 60 IN TXT "v=DMARC1; p=reject"
        _dmarc.q.test. 60 IN TXT "v=DMARC1; p=quarantine"
        _dmarc.n.test. 60 IN TXT "v=DMARC1; p=none"
        x.test. 60 IN TXT "v=spf1 ip4:192.0.2.1 -all"

        """

    /// Starts one. For the SPF that it asks itself, every client on loopback is right.
    init(checksSPF: Bool = true) throws {
        folder = try TestFolder()
        zone = try Service.zone(OpenDMARC.records, in: folder)
        let socket = folder.file("dmarc.sock")
        let configuration = """
            AuthservID mx.y.test
            TrustedAuthservIDs mx.y.test
            RejectFailures true
            HoldQuarantinedMessages true
            SPFSelfValidate \(checksSPF)
            IgnoreHosts \(try folder.write("ignored", "192.0.2.200\n"))
            RequiredHeaders true
            Socket local:\(socket)
            Background false
            Syslog false

            """
        try folder.write("conf", configuration)
        var tool = try UnpackedProgram.opendmarc.get().tool(
            "usr/sbin/opendmarc", ["-f", "-c", folder.file("conf")])
        // It has no option for a resolver on another port than 53.
        tool.environment["LD_PRELOAD"] = try OpenDMARC.preload(in: folder)
        tool.environment["RESOLVER"] = zone.ready
        daemon = try Daemon(tool, log: folder.file("log")) { (try? Files.status(socket)) != nil }
    }

    /// What sends its questions to the zone-server.
    private static func preload(in folder: TestFolder) throws -> String {
        let library = folder.file("resolver-port.so")
        let source = "\(repository)/Tests/Support/resolver-port/resolver-port.c"
        let script = """
            cc=$(command -v clang || command -v cc) && exec "$cc" -shared -fPIC -o "$1" "$0" -ldl
            """
        let result = try Tool("/bin/sh", ["-c", script, source, library]).run()
        guard result.code == 0 else { throw TestFailure("resolver-port: \(result.errors)") }
        return library
    }
}
