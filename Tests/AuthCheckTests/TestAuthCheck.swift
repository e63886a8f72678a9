// TestAuthCheck: an auth-check on a root folder of its own, and clients that log in.
// SPDX-License-Identifier: MIT

import AuthProtocol
import Glibc
import MailModel
import TestSupport
import Testing
import UnixIO
import Workers

/// A running auth-check. It is killed when the value ends.
final class TestAuthCheck {
    let folder: TestFolder
    let service: Service

    /// The user `anna`, whose password is `pencil`, is in the users file. `auth` are the lines of
    /// control/auth; FILE stands for the users file and FOLDER for a folder.
    init(auth: String = "users clear=yes FILE", options: [String] = []) throws {
        folder = try TestFolder()
        try folder.write("etc/users", "anna:{PLAIN}pencil::::::\n")
        let lines = auth.replacing("FILE", with: folder.file("etc/users"))
            .replacing("FOLDER", with: folder.path)
        try folder.write("etc/control/auth", lines + "\n")
        try folder.write("run/.keep", "")
        service = try Service(
            Tool(
                "auth-check",
                ["--root", folder.path, "--serve", folder.file("run/auth-check")] + options),
            log: folder.file("log"))
    }

    /// Writes a program into the folder.
    static func script(_ text: String, in folder: TestFolder) throws -> String {
        try folder.write("program.sh", "#!/bin/sh\n\(text)\n", mode: 0o700)
    }

    var socket: String { folder.file("run/auth-check") }
    var client: AuthClient { AuthClient(socket: socket) }

    /// How many processes there are beside the first.
    func processes() throws -> Int {
        var all: [pid_t] = []
        var parents = [service.process.pid]
        while let parent = parents.popLast() {
            let path = "/proc/\(parent)/task/\(parent)/children"
            let children = (try? Files.contents(of: path)) ?? []
            let pids = String(decoding: children, as: UTF8.self).split(separator: " ")
                .compactMap { pid_t($0) }
            all += pids
            parents += pids
        }
        return all.count
    }
}

/// A conversation of a test.
final class TestDialogue {
    private var dialogue: AuthDialogue?
    private let limit = Duration.seconds(30)

    init(
        _ check: TestAuthCheck, _ mechanism: String, _ response: String?,
        client: String = "192.0.2.1", _ change: (inout AuthQuestion) -> Void = { _ in }
    ) throws {
        var facts = Facts()
        facts[.clientIP] = Array(client.utf8)
        var question = AuthQuestion(
            mechanism: mechanism, response: response.map { Array($0.utf8) }, facts: facts)
        change(&question)
        dialogue = try check.client.begin(question, deadline: .after(limit))
    }

    /// What the service says.
    func answer() throws -> AuthReply {
        guard let current = dialogue.take() else { throw TestFailure("the dialogue is over") }
        let reply = try current.answer(deadline: .after(limit))
        dialogue = consume current
        return reply
    }

    /// Says something, and returns what the service says to it.
    func say(_ bytes: [UInt8]) throws -> AuthReply {
        guard let current = dialogue.take() else { throw TestFailure("the dialogue is over") }
        try current.respond(bytes, deadline: .after(limit))
        dialogue = consume current
        return try answer()
    }

    func say(_ text: String) throws -> AuthReply { try say(Array(text.utf8)) }

    /// Goes away.
    func leave() { dialogue = nil }
}
