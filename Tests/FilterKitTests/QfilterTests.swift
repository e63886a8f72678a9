// Tests of filters as qmail-qfilter starts them, several in a row.
// qmail-qfilter(1).
// SPDX-License-Identifier: MIT

import Glibc
import MailModel
import TestSupport
import Testing
import UnixIO

struct QfilterTests {
    private let folder: TestFolder

    init() throws { folder = try TestFolder() }

    private func filter(_ rules: String, _ options: [String] = []) throws -> Tool {
        let name = "rules-\(folder.names().count)"
        try folder.write(name, "\(rules)\n")
        var tool = try Tool("regex-filter", ["--rules", name] + options)
        tool.folder = folder.path
        return tool
    }

    private func launcher(
        _ filters: [Tool], _ message: String = "Subject: x\nX-Tag: old\n\nbody\n",
        to recipients: [String] = ["b@example.test"]
    ) -> QfilterLauncher {
        let envelope = "Fa@example.org\0\(recipients.map { "T\($0)\0" }.joined())\0"
        return QfilterLauncher(
            filters, message: Array(message.utf8), envelope: Array(envelope.utf8))
    }

    private func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }

    @Test func `nothing is written when nothing is changed`() throws {
        let outcome = try launcher([filter("header:Subject /y/ reject"), filter("")]).run()
        #expect(outcome.code == 0)
        #expect(outcome.isQueued)
        #expect(outcome.written.allSatisfy { $0.message.isEmpty && $0.envelope.isEmpty })
    }

    @Test(arguments: [0, 1, 20, 10_000])
    func `the message is read from its beginning wherever the offset is`(offset: Int) throws {
        var launcher = try launcher([filter("header:Subject /x/ tag X-Seen: yes")])
        launcher.messageOffset = offset
        let outcome = try launcher.run()
        #expect(text(outcome.message) == "X-Seen: yes\nSubject: x\nX-Tag: old\n\nbody\n")
        #expect(outcome.written[0].envelope.isEmpty)
    }

    @Test func `a second filter sees what the first one made of message and envelope`() throws {
        let outcome = try launcher([
            filter("header:Subject /x/ tag X-Tag: new\nheader:Subject /x/ redirect c@example.test"),
            filter("header:X-Tag /new/ remove X-Tag\nrecipient /^c@/ add d@example.test"),
        ]).run()
        #expect(outcome.ends == [.exited(0), .exited(0)])
        #expect(text(outcome.message) == "Subject: x\n\nbody\n")
        #expect(
            text(outcome.envelope) == "Fa@example.org\0Tc@example.test\0Td@example.test\0\0")
    }

    @Test func `an envelope alone is written to descriptor 4 and the message not at all`() throws {
        let outcome = try launcher([filter("header:Subject /x/ add c@example.test")]).run()
        #expect(outcome.written[0].message.isEmpty)
        #expect(
            text(outcome.written[0].envelope)
                == "Fa@example.org\0Tb@example.test\0Tc@example.test\0\0"
        )
    }

    @Test(arguments: [
        ("reject", 31 as Int32, 31 as Int32), ("defer", 71, 71), ("discard", 99, 0),
    ])
    func `what ends the row is said by the exit code`(
        action: String, own: Int32, whole: Int32
    ) throws {
        let outcome = try launcher([
            filter("header:Subject /x/ tag X-Seen: yes"), filter("header:Subject /x/ \(action)"),
            filter("header:Subject /x/ tag X-Never: yes"),
        ]).run()
        #expect(outcome.ends == [.exited(0), .exited(own)])
        #expect(outcome.code == whole)
        #expect(!outcome.isQueued)
        #expect(outcome.written[1].message.isEmpty && outcome.written[1].envelope.isEmpty)
        #expect(outcome.errors.contains("verdict=\(action)"))
    }

    @Test func `a client behind qmail-qfilter gets the reason on descriptor 6`() throws {
        let pipe = try OwnedPipe()
        var launcher = try launcher([filter("header:Subject /x/ reject 550 5.7.1 no x")])
        launcher.descriptor6 = pipe.writing.rawValue
        let outcome = try launcher.run()
        #expect(outcome.code == 82)
        #expect(outcome.written[0].envelope.isEmpty)
        var bytes = [UInt8](repeating: 0, count: 100)
        let got = try bytes.withUnsafeMutableBytes {
            try pipe.reading.readSome(into: $0, "reason")
        }
        #expect(text(Array(bytes[..<got])) == "Dno x (#5.7.1)")
    }

    @Test(arguments: ["4", "3", "5", "1"])
    func `no variable makes it write a reason over its descriptors`(variable: String) throws {
        var tool = try filter("header:Subject /x/ reject 550 5.7.1 no x")
        tool.environment["ERROR_FD"] = variable
        let outcome = try launcher([tool]).run()
        #expect(outcome.code == 31)
        #expect(outcome.written[0].message.isEmpty && outcome.written[0].envelope.isEmpty)
    }

    @Test func `a message that loses all its bytes becomes an empty line`() throws {
        let outcome = try launcher(
            [filter("header:X-Tag /old/ remove X-Tag")], "X-Tag: old\n"
        ).run()
        #expect(text(outcome.message) == "\n")
    }

    @Test func `with --check nothing is written`() throws {
        let outcome = try launcher([filter("header:Subject /x/ tag X-Seen: yes", ["--check"])])
            .run()
        #expect(outcome.code == 0)
        #expect(outcome.written[0].message.isEmpty)
    }

    @Test func `what cannot be read ends the row`() throws {
        var cut = try launcher([filter("")])
        cut.envelope = Array("Fa@example.org\0Tb@example.test\0".utf8)
        #expect(try cut.run().code == 54)
        cut.envelope = []
        #expect(try cut.run().code == 54)
        cut.envelope = Array("Xa@example.org\0\0".utf8)
        #expect(try cut.run().code == 91)
    }

    @Test func `--as names the convention where the variables do not`() throws {
        var tool = try filter("header:Subject /x/ tag X-Seen: yes", ["--as", "qfilter"])
        tool.environment = ["QMAILPPID": "", "FILTER_STAGE": "message"]
        let outcome = try launcher([tool]).run()
        #expect(text(outcome.message).hasPrefix("X-Seen: yes\n"))
    }
}
