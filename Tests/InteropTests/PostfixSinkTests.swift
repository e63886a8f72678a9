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
        #expect(messages[0].hasSuffix(text))
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
}
