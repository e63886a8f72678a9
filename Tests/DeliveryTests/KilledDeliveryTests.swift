// deliver-local, killed before and after each call that changes a file.
// SPDX-License-Identifier: MIT

import Control
import Foundation
import Glibc
import MailModel
import Recipients
import TestSupport
import Testing
import UnixIO

@testable import Delivery

@Suite struct KilledDeliveryTests {
    /// What the file system is changed by.
    private static let calls =
        "write,pwrite64,linkat,link,rename,renameat,renameat2,fsync,fdatasync,sync_file_range,"
        + "mkdirat,mkdir,unlink,unlinkat,ftruncate"
    private static let message = "Subject: x\n\n" + String(repeating: "0123456789\n", count: 20_000)
    private let folder: TestFolder

    init() throws {
        folder = try TestFolder()
        try folder.write("message", Self.message)
    }

    private func deliver(_ root: Root, killing options: [String] = []) throws -> Int32 {
        let program = try Tool.path("deliver-local")
        let words = [program, "--root", folder.file("root"), "--sender", "s@x.test", "a@y.test"]
        var tool =
            options.isEmpty
            ? try Tool(program, Array(words.dropFirst()))
            : try Tool("/usr/bin/strace", ["-f", "-o", "/dev/null"] + options + words)
        tool.message = Array(Self.message.utf8)
        return try tool.run().code
    }

    /// Kills a delivery at one call after the other, until one comes to its end.
    private func killEverywhere(
        _ mailbox: String, _ kind: String, prepare: () throws -> Void, check: () throws -> Void
    ) throws {
        let root = try makeRoot(folder, ["mailboxes": "a@y.test \(mailbox)\n"])
        var number = 1
        while number < 200 {
            try prepare()
            let options = ["-e", "inject=\(Self.calls):\(kind):when=\(number)"]
            if try deliver(root, killing: options) == 0 { break }
            #expect(try deliver(root) == 0, "killed at call \(number)")
            try check()
            number += 1
        }
        #expect((5..<200).contains(number), "it was killed at \(number - 1) calls")
    }

    @Test(arguments: ["error=EIO:signal=KILL", "signal=KILL"])
    func `a Maildir has no half message, and no message less or two more`(kind: String) throws {
        let top = "Return-Path: <s@x.test>\nDelivered-To: a@y.test\n"
        let whole = Array((top + Self.message).utf8)
        try killEverywhere(
            "\(folder.path)/Maildir quota=100MB", kind,
            prepare: { try remove("Maildir") },
            check: {
                let names = folder.names(in: "Maildir/new")
                #expect((1...2).contains(names.count))
                for name in names {
                    #expect(name.hasSuffix(",S=\(whole.count)"))
                    #expect(try folder.read("Maildir/new/\(name)") == whole)
                }
                let size = try #require(try MaildirSizeFile.read(folder.file("Maildir")))
                #expect(size.quota.bytes == 100 << 20)
            })
    }

    @Test(arguments: ["error=EIO:signal=KILL", "signal=KILL"])
    func `an mbox ends with the whole message, and is not locked for ever`(kind: String) throws {
        let before = "From x\n\nfirst\n\n"
        try killEverywhere(
            "mbox:\(folder.path)/box", kind,
            prepare: { try folder.write("box", before) },
            check: {
                let text = String(decoding: try folder.read("box"), as: UTF8.self)
                #expect(text.hasPrefix(before))
                let last = try #require(text.range(of: "\n\nFrom s@x.test", options: .backwards))
                #expect(text[last.lowerBound...].hasSuffix("\n\(Self.message)\n"))
                #expect(folder.names().filter { $0 == "box.lock" }.isEmpty)
            })
    }

    @Test func `an mbox that may not grow so far stays as it was`() throws {
        _ = try makeRoot(folder, ["mailboxes": "a@y.test mbox:\(folder.path)/box\n"])
        let before = "From x\n\nfirst\n\n"
        try folder.write("box", before)
        var tool = try Tool("/bin/sh", [])
        // RLIMIT_FSIZE stands for a full disk: write(2) fails in the middle of the message.
        tool.arguments = [
            "-c", "ulimit -f 128; exec \"$0\" --root \"$1\" a@y.test",
            try Tool.path("deliver-local"), folder.file("root"),
        ]
        tool.message = Array(Self.message.utf8)
        let result = try tool.run()
        #expect(result.code == 75)
        #expect(result.text.contains("deferred: 452 4.3.1"))
        #expect(try folder.read("box") == Array(before.utf8))
        #expect(!folder.names().contains("box.lock"))
    }

    private func remove(_ name: String) throws {
        _ = try Tool("/bin/rm", ["-rf", folder.file(name)]).run()
    }
}
