// filter-chain as Postfix's content_filter, by the lines of its manual.
// pipe(8), FILTER_README.
// SPDX-License-Identifier: MIT

import Glibc
import TestSupport
import Testing

@Suite(.enabled(if: getuid() == 0, "Postfix starts only as root")) struct PostfixPipeTests {
    /// The lines of the manual from the transport on; its first lines are options of an smtpd.
    private func lines(_ chain: SetChain, _ other: [String: String] = [:]) throws -> [String] {
        var words = try ManualExample.chain(chain.root)
        words["127.0.0.1:10026"] = "127.0.0.1:\(try PostfixServer.freePort())"
        words["user=chainfilter"] = "user=nobody"
        let text = try ManualExample.text(
            "filter-chain.8", holding: "content_filter=chainmail:",
            replacing: words.merging(other) { $1 })
        return text.split(separator: "\n").map(String.init).drop {
            !$0.hasPrefix("chainmail")
        }.map { $0 }
    }

    private func send(
        _ postfix: PostfixServer, _ subject: String, to recipients: [String] = ["bob@y.test"]
    ) throws {
        let text = MessageSet.header(subject) + "\n.\n..\nbody\n"
        let reply = try postfix.connect().send(from: "alice@y.test", to: recipients, text)
        #expect(reply.hasPrefix("250"), "\(reply)")
    }

    private func text(_ message: [UInt8]?) -> String {
        String(decoding: message ?? [], as: UTF8.self)
    }

    @Test func `a message of each verdict goes as the manual says`() throws {
        let postfix = try PostfixServer(
            smtpd: ["content_filter=chainmail:"], master: lines(try SetChain.shared.get()))
        try send(postfix, "hello")
        let accepted = try postfix.messages(of: "bob", count: 1)
        #expect(
            text(accepted.first).hasSuffix("\n" + MessageSet.header("hello") + "\n.\n..\nbody\n"))
        #expect(postfix.log.contains("orig_client=localhost[127.0.0.1]"), "\(postfix.log)")

        try send(postfix, "please tag", to: ["carol@y.test"])
        let tagged = try postfix.messages(of: "carol", count: 1)
        #expect(text(tagged.first).contains("\nX-Tagged: yes\n"))

        try send(postfix, "cheap pills")
        let report = text(try postfix.messages(of: "alice", count: 1).first)
        #expect(report.contains("Status: 5.7.1"))
        #expect(report.contains("no pills, thanks"))
        #expect(!report.contains("event="))

        try send(postfix, "try again later")
        #expect(eventually { postfix.deferred.count == 1 }, "\(postfix.log)")
        #expect(
            postfix.log.contains("dsn=4.7.1, status=deferred (later, please"), "\(postfix.log)")

        try send(postfix, "drop this")
        #expect(eventually { postfix.waiting.count == 1 }, "\(postfix.log)")
        #expect(postfix.messages(of: "bob").count == 1)
        #expect(postfix.messages(of: "alice").count == 1)
    }

    @Test func `several recipients and the null reverse-path go through`() throws {
        let postfix = try PostfixServer(
            smtpd: ["content_filter=chainmail:"], master: lines(try SetChain.shared.get()))
        let text = MessageSet.header("hello") + "\nbody\n"
        let reply = try postfix.connect().send(
            from: "", to: ["bob@y.test", "carol@y.test"], text)
        #expect(reply.hasPrefix("250"))
        for name in ["bob", "carol"] {
            let message = self.text(try postfix.messages(of: name, count: 1).first)
            #expect(message.hasPrefix("Return-Path: <>\n"))
        }
    }
}
