// filter-chain in maildrop, in procmail and before dovecot-lda, by the lines of its manual.
// maildropfilter(7), procmailrc(5), dovecot-lda(1).
// SPDX-License-Identifier: MIT

import Glibc
import TestSupport
import Testing
import UnixIO

extension UnpackedProgram {
    static let maildrop = Result { try UnpackedProgram("maildrop") }
    /// maildrop's own library.
    static let courierAuth = Result { try UnpackedProgram("courier-authlib") }
    static let procmail = Result { try UnpackedProgram("procmail") }
}

/// A delivery agent that asks the chain and then delivers to one mbox file.
struct MailFilter: Sendable, CustomTestStringConvertible {
    /// Writes its configuration into a folder and calls it.
    let tool: @Sendable (TestFolder, _ root: String, _ sender: String) throws -> Tool
    let testDescription: String

    static let all = [maildrop, procmail]

    static let maildrop = MailFilter(
        tool: { folder, root, sender in
            let rules = try ManualExample.text(
                "filter-chain.8", holding: "xfilter", replacing: try ManualExample.chain(root))
            try folder.write("rules", "DEFAULT=\"\(folder.file("box"))\"\n" + rules)
            let program = try UnpackedProgram.maildrop.get()
            let library = try UnpackedProgram.courierAuth.get()
            // One that has privileges of its own would not find its libraries.
            let copy = folder.file("maildrop")
            let copied = try Tool(
                "/bin/cp", ["--no-preserve=mode", "\(program.root)/usr/bin/maildrop", copy]
            ).run()
            guard copied.code == 0, chmod(copy, 0o755) == 0 else {
                throw TestFailure("cp: \(copied.errors)")
            }
            var tool = try program.tool("usr/bin/maildrop", ["-f", sender, folder.file("rules")])
            tool.path = copy
            tool.environment["LD_LIBRARY_PATH", default: ""] += ":\(library.root)/usr/lib"
            return tool
        }, testDescription: "maildrop")

    static let procmail = MailFilter(
        tool: { folder, root, sender in
            let rules = try ManualExample.text(
                "filter-chain.8", holding: "EXITCODE ??", replacing: try ManualExample.chain(root))
            try folder.write(
                "rules", "SHELL=/bin/sh\nDEFAULT=\(folder.file("box"))\n" + rules, mode: 0o600)
            return try UnpackedProgram.procmail.get().tool(
                "usr/bin/procmail", ["-f", sender, "-m", folder.file("rules")])
        }, testDescription: "procmail")
}

/// One of them as a bridge.
struct MailFilterBridge: Bridge {
    let name: String
    let chain: SetChain
    let filter: MailFilter
    /// They add `From ` and may add fields of their own.
    let addsFields = true

    func pass(_ letter: Letter) throws -> Passage {
        let folder = try TestFolder()
        var tool = try filter.tool(folder, chain.root, letter.sender)
        tool.environment["LOGNAME"] = "bob@b.test"
        tool.message = letter.message
        let result = try tool.run()
        var box: [UInt8]?
        if folder.names().contains("box") { box = try folder.read("box") }
        guard result.code != 0 else {
            return box.map { .passed(Delivered(message: MailFilterBridge.message(in: $0))) }
                ?? .discarded
        }
        guard box == nil else { throw TestFailure("exit \(result.code), and it is delivered") }
        return try PipeCall.passage(result.code, "", nil)
    }

    /// What the line `From ` and the empty line at the end of an mbox file hold between them.
    private static func message(in box: [UInt8]) -> [UInt8] {
        guard let end = box.firstIndex(of: 0x0A) else { return box }
        return Array(box[(end + 1)...].dropLast())
    }
}

@Suite struct MailFilterTests {
    private static let letters: [Letter] = [
        MessageSet.letter("accept", ".\n..\nbody\n"),
        MessageSet.letter("reject", subject: "cheap pills").with(.rejected("")),
        MessageSet.letter("defer", subject: "try again later").with(.deferred("")),
        MessageSet.letter("discard", subject: "drop this").with(.discarded),
        MessageSet.letter("edit", subject: "please tag").becoming(
            Array(
                ("X-Tagged: yes\n" + MessageSet.header("please tag") + "\nHello.\n").utf8)),
        MessageSet.letter("a virus", Samples.eicar + [0x0A]).with(.rejected("")),
    ]

    @Test(arguments: MailFilter.all)
    func `a message of each verdict goes as the manual says`(_ filter: MailFilter) throws {
        let bridge = MailFilterBridge(
            name: filter.testDescription, chain: try SetChain.shared.get(), filter: filter)
        expectNothing(bridge.check(Self.letters))
    }
}

@Suite struct DovecotDeliveryTests {
    @Test func `dovecot-lda gets what the chain accepts, and its word counts`() throws {
        let dovecot = try DovecotServer(users: ["alice": nil])
        let chain = try SetChain.shared.get()
        let lines = try ManualExample.text(
            "filter-chain.8", holding: "dovecot-lda -f",
            replacing: ["dovecot-lda -f": "dovecot-lda -c \(dovecot.configuration) -f"])
        let words = try #require(lines.split(separator: "-- ").last).split { $0.isWhitespace }
        func deliver(_ letter: Letter, to user: String) throws -> ToolResult {
            let command = words.map { word in
                switch word {
                case "${sender}": letter.sender
                case "${recipient}": user
                default: String(word)
                }
            }
            var letter = letter
            letter.recipients = [user]
            return try PipeCall(chain: chain).run(letter, ["--"] + command)
        }
        let tagged = MessageSet.letter("edit", subject: "please tag")
        let accepted = try deliver(tagged, to: "alice@y.test")
        #expect(accepted.code == 0, "\(accepted.errors)\(dovecot.log)")
        let folder = "\(dovecot.mail)/alice/Maildir/new"
        let names = try Files.names(in: folder)
        try #require(names.count == 1)
        let message = String(
            decoding: try Files.contents(of: "\(folder)/\(names[0])"), as: UTF8.self)
        #expect(
            message.hasSuffix("X-Tagged: yes\n" + String(decoding: tagged.message, as: UTF8.self)))
        for (subject, code) in [
            ("cheap pills", Int32(77)), ("try again later", 75), ("drop this", 0),
        ] {
            let letter = MessageSet.letter(subject, subject: subject)
            #expect(try deliver(letter, to: "alice@y.test").code == code)
        }
        #expect(try deliver(tagged, to: "nobody@y.test").code != 0)
        #expect(try Files.names(in: folder).count == 1)
    }
}
