// Many deliveries to one mailbox at the same moment.
// SPDX-License-Identifier: MIT

import MailModel
import Recipients
import TestSupport
import Testing
import UnixIO

@testable import Delivery

@Suite struct DeliveriesAtOnceTests {
    private let folder: TestFolder

    init() throws { folder = try TestFolder() }

    @Test func `many who deliver at once lose nothing`() throws {
        let root = try makeRoot(folder, ["mailboxes": "a@y.test mbox:\(folder.path)/box\n"])
        try folder.write("message", "Subject: x\n\n\(String(repeating: "y\n", count: 5000))")
        var shell = try Tool("/bin/sh", [])
        shell.arguments = [
            "-c",
            """
            for i in 1 2 3 4 5 6 7 8; do "$0" --root "$1" a@y.test < "$2" > /dev/null & done
            wait
            """, try Tool.path("deliver-local"), folder.file("root"), folder.file("message"),
        ]
        #expect(try shell.run().code == 0)
        withExtendedLifetime(root) {}
        let content = String(decoding: try folder.read("box"), as: UTF8.self)
        let lines = content.split(separator: "\n", omittingEmptySubsequences: false)
        #expect(lines.filter { $0.hasPrefix("From ") }.count == 8)
        #expect(lines.filter { $0 == "y" }.count == 40_000)
        #expect(lines.count == 8 * 5006 + 1)
    }

    @Test func `many deliveries at once overshoot by little, and the sum is right`() throws {
        let root = try makeRoot(
            folder, ["mailboxes": "a@y.test \(folder.path)/Maildir\n", "mailboxquota": "100000S\n"])
        try folder.write("message", "Subject: x\n\n\(String(repeating: "y\n", count: 500))")
        var shell = try Tool("/bin/sh", [])
        shell.arguments = [
            "-c",
            """
            "$0" --root "$1" a@y.test < "$2" > /dev/null
            for i in 1 2 3 4 5 6 7 8; do
                for j in 1 2 3 4 5; do "$0" --root "$1" a@y.test < "$2" > /dev/null; done &
            done; wait
            """, try Tool.path("deliver-local"), folder.file("root"), folder.file("message"),
        ]
        #expect(try shell.run().code == 0)
        withExtendedLifetime(root) {}
        #expect(folder.names(in: "Maildir/new").count == 41)
        let size = try #require(try MaildirSizeFile.read(folder.file("Maildir")))
        #expect(size.usage?.messages == 41)
    }
}
