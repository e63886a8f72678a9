// MilterChain: milter-chain and a Postfix that asks it.
// milter-chain(8).
// SPDX-License-Identifier: MIT

import Glibc
import TestSupport
import UnixIO

/// A chain of regex-filters with a Postfix before it.
final class MilterChain: Sendable {
    let postfix: PostfixServer
    /// milter-chain.
    let service: Service
    let folder: TestFolder

    /// Starts both. `rules` are those of regex-filters, by `NAME STAGE`; `steps` are other files of
    /// filters.d.
    init(
        rules: [String: String] = [:], steps: [String: String] = [:], options: [String] = [],
        control: [String: String] = [:], main: [String: String] = [:],
        mailboxes: [String] = ["alice", "bob", "carol"]
    ) throws {
        let folder = try TestFolder()
        self.folder = folder
        try folder.write("root/etc/control/me", "mx.y.test\n")
        for (name, text) in control { try folder.write("root/etc/control/\(name)", text) }
        try Files.makeFolders(folder.file("root/etc/filters.d"))
        for (name, text) in rules {
            let words = name.split(separator: " ")
            let file = try folder.write("rules/\(words[0])", text)
            try folder.write(
                "root/etc/filters.d/\(words[0])",
                "run regex-filter --rules \(file)\nstage \(words[1])\nworkers 1 4\n")
        }
        for (name, text) in steps {
            try folder.write(
                "root/etc/filters.d/\(name)", text, mode: text.hasPrefix("#!") ? 0o755 : 0o644)
        }
        service = try Service(
            Tool(
                "milter-chain",
                ["--root", folder.file("root"), "--listen", "127.0.0.1:0"] + options),
            log: folder.file("milter-chain.log"))
        guard let address = service.ready.split(separator: " ").dropFirst().first else {
            throw TestFailure("milter-chain: \(service.ready)")
        }
        postfix = try PostfixServer(
            main: ["smtpd_milters": "inet:\(address)"].merging(main) { _, given in given },
            mailboxes: mailboxes)
    }

    var log: String { service.log }

    /// Sends a message in a session of its own.
    /// - Returns: the reply to the first command that is not accepted, else to the message.
    func send(
        _ message: String, from sender: String = "a@x.test", to recipients: [String] = ["alice"],
        helo: String = "client.x.test"
    ) throws -> String {
        let conversation = try SMTPConversation(port: postfix.port)
        let reply = try conversation.say("EHLO \(helo)")
        guard reply.hasPrefix("250") else { return reply }
        return try conversation.send(
            from: sender, to: recipients.map { "\($0)@y.test" }, message)
    }

    /// The message that a mailbox has got, without what Postfix has put on top.
    /// - Throws: `TestFailure` when none comes.
    func message(of localPart: String) throws -> String {
        let message = try postfix.messages(of: localPart, count: 1)[0]
        return PostfixServer.withoutTrace(String(decoding: message, as: UTF8.self))
    }
}

extension PostfixServer {
    /// A message without the fields that Postfix itself adds, wherever milters have put theirs.
    static func withoutTrace(_ message: String) -> String {
        var rest = message[...]
        for name in ["Return-Path", "X-Original-To", "Delivered-To"]
        where rest.hasPrefix("\(name): ") {
            rest =
                rest[(rest.firstIndex(of: "\n").map { rest.index(after: $0) } ?? rest.endIndex)...]
        }
        // The first one is its own.
        guard let start = rest.firstRange(of: "Received: from "),
            start.lowerBound == rest.startIndex
                || rest[rest.index(before: start.lowerBound)] == "\n"
        else { return String(rest) }
        var end = start.upperBound
        while let line = rest[end...].firstIndex(of: "\n") {
            end = rest.index(after: line)
            guard rest[end...].hasPrefix("\t") || rest[end...].hasPrefix(" ") else { break }
        }
        return String(rest[..<start.lowerBound] + rest[end...])
    }
}
