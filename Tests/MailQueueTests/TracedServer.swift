// TracedServer: a complete server whose every change of its disk is seen.
// SPDX-License-Identifier: MIT

import Foundation
import Glibc
import TestSupport
import UnixIO

@testable import MailQueue

/// What happened, call by call.
struct ServerHistory {
    var calls: [SystemCall]
    var root: String
    var keepsOrder: Bool

    /// A server takes in messages and delivers, returns and defers what it can.
    init(in parent: String?) throws {
        let server = try TestServer(in: parent)
        root = server.root
        try server.keepSteps([])
        try server.control("relayclients", "127.0.0.1")
        try server.control("smtproutes", "remote.test:[127.0.0.1]:1")
        let trace = server.folder.file("trace")
        let names = SystemCalls.ofDisks.joined(separator: ",")
        let wrapper = try server.folder.write(
            "traced",
            """
            #!/bin/sh
            exec \(try SystemCalls.strace()) \(SystemCalls.options.joined(separator: " ")) \
            -o \(trace) -e trace=\(names) \(try Tool.path("mail-server")) "$@"

            """, mode: 0o700)
        try server.start { $0.path = wrapper }
        try ServerHistory.use(server)
        for pid in server.processes("mail-server --").prefix(1) { kill(pid, SIGTERM) }
        _ = try server.service?.process.wait(.seconds(60), "mail-server")
        calls = try SystemCalls.read(trace)
        keepsOrder = calls.contains { $0.name == "sync_file_range" }
    }

    /// A small message for everybody, and one that is too large to be held in memory.
    private static func use(_ server: TestServer) throws {
        let client = try server.connect()
        let small = try client.send(
            from: "alice@example.test",
            to: ["bob@example.test", "fail@example.test", "later@remote.test"],
            "Subject: small\n\nbody\n")
        let line = String(repeating: "x", count: 70)
        let body = Array(repeating: line, count: 4500).joined(separator: "\n")
        let large = try client.send(
            from: "alice@example.test", to: ["carol@example.test"],
            "Subject: large\n\n\(body)\n")
        guard small.hasPrefix("250 "), large.hasPrefix("250 ") else {
            throw TestFailure("not accepted: \(small), \(large)")
        }
        let queue = "root/spool/queue"
        let isDone = eventually(within: .seconds(60)) {
            !server.messages(of: "bob").isEmpty && !server.messages(of: "carol").isEmpty
                && !server.messages(of: "alice").isEmpty
                && server.folder.names(in: "\(queue)/deferred").contains {
                    !server.folder.names(in: "\(queue)/deferred/\($0)").isEmpty
                }
        }
        guard isDone else { throw TestFailure("not delivered; the log:\n\(server.log)") }
        let rest = eventually {
            Spool.shards.allSatisfy { server.folder.names(in: "\(queue)/new/\($0)").isEmpty }
        }
        guard rest else { throw TestFailure("not finished; the log:\n\(server.log)") }
    }
}

extension SystemCall {
    /// The id of the message that this call tells a client is safe.
    var acceptedID: String? {
        guard name == "write" || name == "sendto", result > 0 else { return nil }
        let text = argument(1).text
        guard text.hasPrefix("250 2.0.0 Ok, queued as ") else { return nil }
        return String(text.dropFirst(24).prefix { $0.isLetter || $0.isNumber || $0 == "-" })
    }
}
