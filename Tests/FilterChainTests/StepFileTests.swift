// Tests of reading filters.d: every keyword, and every way to get it wrong.
// filters.d(5).
// SPDX-License-Identifier: MIT

import Control
import FilterChain
import Foundation
import MailModel
import TestSupport
import Testing
import UnixIO

struct StepFileTests {
    private let world: World

    init() throws { world = try World() }

    private func step(_ lines: String...) throws -> Step {
        try world.folder.write("etc/filters.d/10-a", lines.map { "\($0)\n" }.joined())
        return try #require(try world.chain().steps.first)
    }

    /// The error without the path before it.
    private func error(_ contents: String) throws -> String {
        let path = try world.folder.write("etc/filters.d/10-a", contents)
        let error = #expect(throws: ChainError.self) { try world.chain() }
        let text = try #require(error).description
        #expect(text.hasPrefix(path))
        return String(text.dropFirst(path.count))
    }

    @Test func `one line is a step with all defaults`() throws {
        let step = try step("run cat")
        #expect(step.name == "10-a")
        #expect(step.program.hasSuffix("/cat"))
        #expect(step.arguments.isEmpty)
        #expect(step.stage == .message)
        #expect(!step.skipsRelayed && !step.skipsLocal)
        #expect(!step.acceptsOnError && !step.isObserved)
        #expect(step.timeout == .seconds(30))
        #expect(step.workers == 2...32)
        #expect(step.convention == .chain)
    }

    @Test func `every keyword says what it says`() throws {
        let step = try step(
            "# A step.", "", "  run\tcat -u  'a b' \"c'd\" e\"f g\"h ''", "stage rcpt",
            "skip local relayed", "on-error accept", "timeout 1500ms", "workers 3 7",
            "convention chain", "mode observe")
        #expect(step.arguments == ["-u", "a b", "c'd", "ef gh", ""])
        #expect(step.stage == .rcpt)
        #expect(step.skipsRelayed && step.skipsLocal)
        #expect(step.acceptsOnError && step.isObserved)
        #expect(step.timeout == .milliseconds(1500))
        #expect(step.workers == 3...7)
    }

    @Test func `a comment may follow on the line`() throws {
        let step = try step(
            "run cat a#b '#c' # 'not an argument", "stage mail # connect | helo | mail",
            "skip local\t# nobody")
        #expect(step.arguments == ["a#b", "#c"])
        #expect(step.stage == .mail)
        #expect(step.skipsLocal && !step.skipsRelayed)
    }

    @Test(
        arguments: [
            ("4", 4...4), ("1 1000", 1...1000), ("2-8", 2...8), ("0", nil),
        ] as [(String, ClosedRange<Int>?)])
    func `workers are a number, two, or none`(text: String, workers: ClosedRange<Int>?) throws {
        #expect(try step("run cat", "workers \(text)").workers == workers)
    }

    @Test(arguments: ["qfilter", "queue"])
    func `other conventions have no workers`(name: String) throws {
        let step = try step("run cat", "convention \(name)")
        #expect(step.convention.rawValue == name)
        #expect(step.workers == nil)
    }

    @Test func `nothing in a command is expanded`() throws {
        let step = try step(#"run echo $HOME ~ * `id` a\ b \"c d\" $(id)"#)
        #expect(
            step.arguments == ["$HOME", "~", "*", "`id`", "a\\", "b", "\\c d\\", "$(id)"])
    }

    @Test func `line ends of another system are fine`() throws {
        #expect(try step("run cat\r", "stage data\r").stage == .data)
    }

    static let mistakes: [(contents: String, error: String)] = [
        ("", ": no line \"run PROGRAM\""),
        ("# run cat\n", ": no line \"run PROGRAM\""),
        ("stage mail\n", ": no line \"run PROGRAM\""),
        ("run cat\nruns cat\n", ":2: unknown keyword runs; "),
        ("run cat\n\n# x\nstages mail\n", ":4: unknown keyword stages; "),
        ("run cat\nStage mail\n", ":2: unknown keyword Stage; "),
        ("run cat\nstage\n", ":2: stage needs a value"),
        ("run\n", ":1: run needs a value"),
        ("run # cat\n", ":1: run needs a value"),
        ("run cat\nstage mail\nstage mail\n", ":3: stage is given twice"),
        ("run cat\nstage end\n", ":2: end: it is one of connect, helo, mail, rcpt, data, message"),
        ("run cat\nstage mail rcpt\n", ":2: mail rcpt: it is one of "),
        ("run cat\nconvention milter\n", ":2: milter: it is one of chain, qfilter, queue"),
        ("run cat\nskip all\n", ":2: skip all: it is relayed or local"),
        ("run cat\nskip relayed,local\n", ":2: skip relayed,local: it is relayed or local"),
        ("run cat\non-error reject\n", ":2: reject: it is defer or accept"),
        ("run cat\nmode test\n", ":2: test: it is enforce or observe"),
        ("run cat\nreport successes\n", ":2: report successes: it is failures"),
        (
            "run cat\nconvention queue\nreport failures\n",
            ": report: only the convention chain can tell a step"
        ),
        ("run cat\ntimeout 20\n", ":2: timeout 20: not a duration such as 20s or 2m"),
        ("run cat\ntimeout 0s\n", ":2: timeout 0s: not a duration such as 20s or 2m"),
        ("run cat\ntimeout -1s\n", ":2: timeout -1s: not a duration such as 20s or 2m"),
        ("run cat\ntimeout 99999999999999999999s\n", ":2: timeout 9"),
        ("run cat\nworkers many\n", ":2: workers many: 0, one number, or two from 1 to 1000"),
        ("run cat\nworkers 5 4\n", ":2: workers 5 4: 0, one number, or two from 1 to 1000"),
        ("run cat\nworkers 0 4\n", ":2: workers 0 4: 0, one number, or two from 1 to 1000"),
        ("run cat\nworkers 1 2 3\n", ":2: workers 1 2 3: 0, one number, or two from 1 to 1000"),
        ("run cat\nworkers 1 1001\n", ":2: workers 1 1001: 0, one number, or two from 1 to 1000"),
        ("run cat\nworkers -3\n", ":2: workers -3: "),
        ("run cat\nconvention qfilter\nworkers 2\n", ": workers: only the convention chain has "),
        ("run no-such-program-xyz\n", ":1: no-such-program-xyz: no such program beside this one "),
        ("run /etc/passwd\n", ":1: /etc/passwd: no such program"),
        ("run /tmp\n", ":1: /tmp: no such program"),
        ("run bin/cat\n", ":1: bin/cat: a path must begin with /"),
        ("run cat 'a b\n", ":1: a quote is not closed"),
        ("run cat \"a' b\n", ":1: a quote is not closed"),
        ("run cat\nstage ma\0il\n", ":2: a NUL byte"),
        ("run ''\n", ":1: : no such program"),
    ]

    @Test(arguments: mistakes)
    func `a mistake is named with file and line`(contents: String, error: String) throws {
        let found = try self.error(contents)
        #expect(found.hasPrefix(error), "\(found)")
    }

    @Test func `what comes after 64 KiB is not passed over`() throws {
        let contents = "run cat\n" + String(repeating: "#\n", count: 40_000) + "stage mail\n"
        #expect(try error(contents) != "")
    }

    @Test func `an executable is a step of the qfilter convention`() throws {
        try world.executable("etc/filters.d/30-script", "#!/bin/sh\nexit 0\n")
        let step = try #require(try world.chain().steps.first)
        #expect(step.program == world.folder.file("etc/filters.d/30-script"))
        #expect(step.convention == .qfilter)
        #expect(step.stage == .message)
        #expect(step.workers == nil)
        #expect(step.timeout == .seconds(30))
        #expect(!step.acceptsOnError)
    }

    @Test(arguments: ["#!/bin/sh\nexit 0\n", "\u{7F}ELF\u{1}"])
    func `a program that may not be run is a mistake`(contents: String) throws {
        #expect(try error(contents) == ": a program without its execute bit")
    }

    @Test func `a description with an execute bit is a description`() throws {
        try world.executable("etc/filters.d/30-step", "run cat\nstage data\n")
        #expect(try world.chain().steps.first?.stage == .data)
    }

    @Test func `a pipe, a folder and a dangling link are mistakes, and nobody waits`() throws {
        let path = world.folder.file("etc/filters.d/10-a")
        #expect(mkfifo(path, 0o600) == 0)
        #expect(throws: ChainError.self) { try world.chain() }
        unlink(path)
        try Files.makeFolder(path)
        #expect(throws: ChainError.self) { try world.chain() }
        rmdir(path)
        #expect(symlink("/nowhere", path) == 0)
        #expect(throws: ChainError.self) { try world.chain() }
    }

    @Test func `every shipped description is right`() throws {
        let shipped =
            URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent().path + "/filters.d"
        for name in try Files.names(in: shipped) where name != "examples" {
            // Its program may not be built with these tests.
            let text = try String(contentsOfFile: "\(shipped)/\(name)", encoding: .utf8)
            let own = try #require(text.firstMatch(of: /(?m)^run +(\S+)/)?.output.1)
            try world.folder.write(
                "etc/filters.d/\(name)", text.replacing("run     \(own)", with: "run cat"))
        }
        let chain = try Chain(world.root)
        #expect(chain.steps.count >= 5)
        #expect(chain.ignored.isEmpty)
    }
}
