// deliver-remote and a server of somebody else: Postfix's smtp-sink.
// SPDX-License-Identifier: MIT

import TestSupport
import Testing

@Suite struct PostfixSinkTests {
    private let folder: TestFolder

    init() throws { folder = try TestFolder() }

    private func deliver(
        _ message: String, to recipients: [String], _ sink: PostfixSink
    ) throws -> ToolResult {
        try folder.write("root/etc/control/me", "mx.us.test\n")
        try folder.write("root/etc/control/smtproutes", ":127.0.0.1:\(sink.port)\n")
        try folder.write("root/etc/control/resolver", "127.0.0.1:9\n")
        var tool = try Tool(
            "deliver-remote",
            ["--root", folder.file("root"), "--sender", "s@x.test", "--domain", "y.test"]
                + recipients)
        tool.message = Array(message.utf8)
        return try tool.run()
    }

    @Test func `a message arrives as it was given`() throws {
        let sink = try PostfixSink()
        let text = "Subject: x\n\n.\n..two dots\n\nend\n"
        let result = try deliver(text, to: ["b@y.test", "c@y.test"], sink)
        #expect(result.code == 0, "\(result.text)")
        let messages = sink.messages
        try #require(messages.count == 1)
        #expect(messages[0].contains(text))
        #expect(messages[0].contains("\nX-Rcpt-Args: <c@y.test>"))
    }

    @Test(
        arguments: [
            ["-p"], ["-8"], ["-e"], ["-E"], ["-F"], ["-a"],
        ])
    func `a server that offers less gets the message too`(_ options: [String]) throws {
        let sink = try PostfixSink(options)
        let result = try deliver("Subject: x\n\nhi\n", to: ["b@y.test", "c@y.test"], sink)
        #expect(result.code == 0, "\(result.text)")
        #expect(sink.messages.count == 1)
    }

    /// What smtp-sink does to a command, and what it makes of recipients.
    private static let refusals: [(options: [String], code: Int32, reason: String)] = [
        (["-f", "MAIL"], 69, "the sender is refused"), (["-r", "MAIL"], 75, "and deferred"),
        (["-f", "RCPT"], 69, "each recipient is refused"), (["-r", "RCPT"], 75, "and deferred"),
        (["-f", "DATA"], 69, "the message is refused"), (["-r", "DATA"], 75, "and deferred"),
        (["-f", "."], 69, "at its end"), (["-r", "."], 75, "and deferred"),
        (["-q", "connect"], 75, "no greeting"), (["-q", "EHLO"], 75, "gone"),
        (["-q", "MAIL"], 75, "gone"), (["-q", "RCPT"], 75, "gone"), (["-q", "DATA"], 75, "gone"),
        (["-q", "."], 75, "gone, perhaps with the message"), (["-Q", "connect"], 75, "421"),
        (["-Q", "EHLO"], 75, "421"), (["-Q", "MAIL"], 75, "421"), (["-Q", "RCPT"], 75, "421"),
        (["-Q", "DATA"], 75, "421"), (["-Q", "."], 75, "421"),
        (["-q", "QUIT"], 0, "nobody cares"),
    ]

    @Test(arguments: refusals)
    func `a server that refuses or leaves is understood at each step`(
        _ options: [String], _ code: Int32, _ reason: String
    ) throws {
        let sink = try PostfixSink(options)
        let result = try deliver("Subject: x\n\nhi\n", to: ["b@y.test", "c@y.test"], sink)
        #expect(result.code == code, "\(result.text)\(result.errors)")
    }

    @Test func `a server without 8BITMIME gets ASCII that means the same`() throws {
        let sink = try PostfixSink(["-8"])
        let text = "Content-Type: text/plain; charset=utf-8\n\nschöner Tag, nicht wahr?\n"
        #expect(try deliver(text, to: ["b@y.test"], sink).code == 0)
        let message = try #require(sink.messages.first)
        #expect(message.contains("\nsch=C3=B6ner Tag, nicht wahr?\n"))
        #expect(message.utf8.allSatisfy { $0 < 0x80 })
    }
}
