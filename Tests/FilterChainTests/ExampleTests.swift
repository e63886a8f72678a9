// Tests of the steps in other languages that are shipped as examples.
// filters.d/examples; filter-protocol(7), filters.d(5).
// SPDX-License-Identifier: MIT

import Foundation
import MailModel
import TestSupport
import Testing
import UnixIO

@Suite struct ExampleTests {
    private let root: ChainFolder

    init() throws { root = try ChainFolder() }

    private static let folder = "\(repository)/filters.d/examples"

    private static func message(_ date: String) -> String {
        "Date: \(date)\nSubject: x\n\nhello\n"
    }

    private static let soon = "Fri, 01 Jan 2100 00:00:00 +0000"
    private static let longAgo = "Thu, 01 Jan 1970 00:00:00 +0000"

    @Test func `the Python example has less than 60 lines`() throws {
        let text = try String(contentsOfFile: "\(Self.folder)/date-check", encoding: .utf8)
        #expect(text.split(separator: "\n", omittingEmptySubsequences: false).count <= 60)
    }

    private func expectDates(_ comment: Comment) throws {
        #expect(try root.queued(Self.message(Self.soon)).code == 31, comment)
        let old = try root.queued(Self.message(Self.longAgo))
        #expect(old.code == 0, "\(comment) \(old.errors)")
        let lines = (old.message ?? "").split(separator: "\n", maxSplits: 1)
        #expect(lines.first?.hasPrefix("X-Days-Old: ") == true, comment)
        #expect(lines.last.map { "\($0)" } == Self.message(Self.longAgo), comment)
        for date in ["none at all", "Thu, 99 Jan 9999999 00:00:00 +9999", "\0\u{E9}\r"] {
            #expect(try root.queued(Self.message(date)).message == Self.message(date), comment)
        }
        #expect(try root.queued("x").message == "x", comment)
    }

    @Test func `the Python example judges as a resident step and without one`() throws {
        try root.step("10-date", "run \(Self.folder)/date-check\nworkers 1 1\n")
        try expectDates("started")
        let service = try Service(
            Tool("filter-chain", ["--serve", "--root", root.folder.path]),
            log: root.folder.file("log"))
        #expect(root.folder.names(in: "run/filters") == ["10-date"])
        try expectDates("resident")
        // A client that says nothing, or half of something, holds up nobody.
        let idle = try UnixSocket.connect(
            to: root.folder.file("run/filters/10-date"), deadline: .after(.seconds(5)))
        #expect(try root.queued(Self.message(Self.soon)).code == 31)
        withExtendedLifetime(idle) {}
        #expect(try service.stop() == .exited(0))
    }

    @Test func `it sees what earlier steps put on top`() throws {
        let date = try #require(HeaderField("Date", Self.soon))
        try root.step("10-a", script: ChainFolder.saying(.accept([.prepend(date)])), "workers 0")
        try root.step("20-date", "run \(Self.folder)/date-check\nworkers 1 1\n")
        let service = try Service(
            Tool("filter-chain", ["--serve", "--root", root.folder.path]),
            log: root.folder.file("log"))
        #expect(try root.queued(Self.message(Self.longAgo)).code == 31)
        try service.stop()
    }

    @Test func `the shell example lets members write to a list, and others to everybody else`()
        throws
    {
        let example = "\(Self.folder)/70-list-members"
        let target = root.folder.file("etc/filters.d/70-list-members")
        #expect(try Tool("/bin/cp", ["-p", example, target]).run().code == 0)
        try root.folder.write("lists/list@d.test", "joe@a.test\nA.B@b.test\n")
        let lists = ["LISTS": root.folder.file("lists")]
        func code(_ sender: String, _ recipients: String...) throws -> Int32 {
            let envelope = "F\(sender)\0\(recipients.map { "T\($0)\0" }.joined())\0"
            return try root.queued("x", envelope, environment: lists).code
        }
        #expect(try code("joe@a.test", "list@d.test") == 0)
        #expect(try code("a.b@B.test", "list@d.test", "x@d.test") == 0)
        #expect(try code("aXb@b.test", "list@d.test") == 31)
        #expect(try code("eve@a.test", "x@d.test") == 0)
        #expect(try code("eve@a.test", "x@d.test", "list@d.test") == 31)
        #expect(try code("", "list@d.test") == 31)
        // What an address holds is no path, no pattern and no option.
        #expect(try code("eve@a.test", "../lists/list@d.test", "*@d.test", "-e@d.test") == 0)
        #expect(try code("-v", "list@d.test") == 31)
    }
}
