// AuthServer: a submission server with an auth-check behind it.
// SPDX-License-Identifier: MIT

import MailModel
import SMTPProtocol
import TestSupport

/// An auth-check whose one user is `anna` with the password `pencil`, and an smtp-server that asks it.
final class AuthServer {
    let server: TestServer
    private(set) var check: Service?

    /// Starts both. Refused logins wait 10 ms, and secrets may be shown without TLS.
    init(
        auth: String? = nil, control: [String: String] = [:], steps: [String: String] = [:],
        options: [String] = ["--smtp-auth", "--clear-auth"], hasCheck: Bool = true
    ) throws {
        server = try TestServer(
            control: control, steps: steps,
            options: ["--auth-delay", "10ms"] + options
        ) { folder in
            try folder.write("etc/users", "anna:{PLAIN}pencil::::::\n")
            try folder.write(
                "etc/control/auth", auth ?? "users clear=yes \(folder.file("etc/users"))\n")
            return hasCheck ? try AuthServer.startCheck(folder) : nil
        }
        check = server.companion
    }

    /// Starts auth-check.
    static func startCheck(_ folder: TestFolder) throws -> Service {
        try Service(
            Tool(
                "auth-check",
                [
                    "--root", folder.path, "--serve", folder.file("run/auth-check"), "--workers",
                    "1-4",
                ]),
            log: folder.file("auth-check.log"))
    }

    func startCheck() throws { check = try AuthServer.startCheck(server.folder) }

    func stopCheck() throws {
        try server.companion?.stop()
        try check?.stop()
        check = nil
    }

    /// A client that has said EHLO.
    func connect() throws -> SMTPDialogue {
        let client = try server.connect()
        _ = try client.reply()
        try client.say("EHLO client.test")
        return client
    }
}
