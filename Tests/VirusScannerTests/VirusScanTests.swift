// VirusScanTests: tests Sources/Filters/virus-scan and virus-scan-full as they are run.
// SPDX-License-Identifier: MIT

import Glibc
import MailModel
import TestSupport
import Testing
import UnixIO

private struct Shell {
    let folder: TestFolder
    let database: String

    init() throws {
        folder = try TestFolder()
        database = try Samples.database(in: folder)
    }

    func tool(_ arguments: [String], _ message: [UInt8]) throws -> Tool {
        var tool = try Tool("virus-scan", ["--database", database] + arguments)
        tool.message = message
        tool.environment = ["TMPDIR": folder.path]
        return tool
    }

    func run(_ arguments: [String], _ message: [UInt8]) throws -> ToolResult {
        try tool(arguments, message).run()
    }

    /// A resident pool.
    func serve(_ arguments: [String] = []) throws -> Service {
        let all = ["--serve", socket, "--workers", "2-4"] + arguments
        return try Service(tool(all, []), log: folder.file("log"))
    }

    var socket: String { folder.file("socket") }
}

@Suite struct VirusScanTests {
    private static let clean = Samples.mail([Array("hello".utf8)])
    private static let infected = Samples.mail([Samples.eicar])
    private static let encrypted = Samples.mail([Samples.encryptedZip])
    private static let envelope = Array("Fa@example.org\0Tb@example.test\0\0".utf8)

    @Test func `in a shell a clean message passes byte for byte`() throws {
        let result = try Shell().run([], Self.clean)
        #expect(result.code == 0)
        #expect(result.output == Self.clean)
        #expect(result.errors == "virus-scan: accept\n")
    }

    @Test func `in a shell a virus is 554 5 7 1 with its name`() throws {
        let result = try Shell().run([], Self.infected)
        #expect(result.code == FilterExit.reject.rawValue)
        #expect(result.output.isEmpty)
        #expect(
            result.errors
                == "virus-scan: reject 554 5.7.1 virus found: Test.EICAR.UNOFFICIAL\n")
    }

    @Test(arguments: [
        (["--on-found", "discard"], 99, false),
        (["--on-found", "tag"], 0, true),
    ])
    func `a virus may be discarded or tagged`(
        arguments: [String], code: Int32, isTagged: Bool
    ) throws {
        let forged = Array("X-Virus-Status: clean\n".utf8) + Self.infected
        let result = try Shell().run(arguments, forged)
        #expect(result.code == code)
        let tagged = "X-Virus-Status: infected (Test.EICAR.UNOFFICIAL)\nFrom:"
        #expect(result.text.hasPrefix(tagged) == isTagged)
        #expect(!result.text.contains("X-Virus-Status: clean"))
    }

    @Test(arguments: [
        ([], 71, ""),
        (["--on-unscannable", "reject"], 31, ""),
        (["--on-unscannable", "tag"], 0, "X-Virus-Status: unscannable (encrypted)\nFrom:"),
        (["--on-unscannable", "accept"], 0, "From:"),
    ])
    func `what cannot be scanned is deferred unless it was said otherwise`(
        arguments: [String], code: Int32, beginning: String
    ) throws {
        let result = try Shell().run(arguments, Self.encrypted)
        #expect(result.code == code)
        #expect(result.text.hasPrefix(beginning))
        #expect(code == 0 || result.output.isEmpty)
    }

    @Test(arguments: [
        ["--max-size", "0"], ["--max-size", "2G"], ["--max-files", "0"],
        ["--max-recursion", "101"], ["--timeout", "0s"], ["--on-found", "accept"],
        ["--on-unscannable", "discard"], ["--database", "/missing"],
    ])
    func `a wrong option is bad configuration`(arguments: [String]) throws {
        var tool = try Tool("virus-scan", arguments)
        tool.message = Self.clean
        #expect(try tool.run().code == FilterExit.badConfiguration.rawValue)
    }

    @Test func `the fallback is loaded where there is nothing else, and loudly`() throws {
        let shell = try Shell()
        var tool = try Tool(
            "virus-scan",
            ["--database", shell.folder.file("none"), "--fallback-database", shell.database])
        tool.message = Self.infected
        let result = try tool.run()
        #expect(result.code == FilterExit.reject.rawValue)
        #expect(result.errors.contains("real viruses are NOT found"))
    }

    @Test func `a broken set of signatures does not give way to the fallback`() throws {
        let shell = try Shell()
        try shell.folder.write("broken/test.ndb", "Test.Broken:0:*:zz\n")
        var tool = try Tool(
            "virus-scan",
            ["--database", shell.folder.file("broken"), "--fallback-database", shell.database])
        tool.message = Self.clean
        #expect(try tool.run().code == FilterExit.badConfiguration.rawValue)
    }

    @Test func `without a pool a queue defers and loads nothing`() throws {
        let shell = try Shell()
        var tool = try shell.tool(["--pool", shell.socket, "--", "cat"], Self.clean)
        tool.envelope = Self.envelope
        let result = try tool.run()
        #expect(result.code == FilterExit.defer.rawValue)
        #expect(!result.errors.contains("signatures-loaded"))
    }

    @Test func `with a pool queue and chain get its verdict`() throws {
        let shell = try Shell()
        let service = try shell.serve()
        let cases: [([UInt8], Int32)] = [
            (Self.clean, 0), (Self.infected, 31), (Self.encrypted, 71),
        ]
        for (message, code) in cases {
            var queue = try shell.tool(["--pool", shell.socket, "--", "true"], message)
            queue.envelope = Self.envelope
            #expect(try queue.run().code == code)
            #expect(try Shell.chain(shell, message).code == code)
        }
        #expect(try service.stop() == .exited(0))
    }

    @Test func `a pool is found by the name of its step`() throws {
        let shell = try Shell()
        try Files.makeFolders(shell.folder.file("run/filters"))
        let socket = shell.folder.file("run/filters/50-virus-scan")
        let service = try Service(
            shell.tool(["--serve", socket], []), log: shell.folder.file("log"))
        var queue = try shell.tool(["--root", shell.folder.path, "--", "true"], Self.infected)
        queue.envelope = Self.envelope
        #expect(try queue.run().code == FilterExit.reject.rawValue)
        #expect(try service.stop() == .exited(0))
    }

    @Test func `many at once get their own verdicts`() async throws {
        let shell = try Shell()
        let service = try shell.serve()
        let codes = try await withThrowingTaskGroup(of: (Int, Int32).self) { group in
            for number in 0..<60 {
                group.addTask {
                    let message = number.isMultiple(of: 2) ? Self.clean : Self.infected
                    var tool = try shell.tool(["--pool", shell.socket, "--", "true"], message)
                    tool.envelope = Self.envelope
                    return (number, try tool.run().code)
                }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(codes.allSatisfy { $0.1 == ($0.0.isMultiple(of: 2) ? 0 : 31) })
        #expect(try service.stop() == .exited(0))
    }
}

extension Shell {
    /// The chain convention: envelope on 3, a record to 5.
    fileprivate static func chain(_ shell: Shell, _ message: [UInt8]) throws -> ToolResult {
        let path = try shell.folder.write(
            "envelope", Array("Fa@example.org\0Tb@example.test\0\0".utf8))
        let envelope = try Files.open(path, O_RDONLY)
        let record = try Files.inMemory("record")
        var tool = try shell.tool(["--pool", shell.socket], message)
        tool.environment["FILTER_STAGE"] = "message"
        tool.environment["FILTER_VERDICT_FD"] = "5"
        tool.descriptors = [3: envelope.number, 5: record.number]
        let result = try tool.run()
        #expect(try record.borrowed.status("record").st_size > 0)
        return result
    }

    @Test func `a part that no disk has room for is not clean`() throws {
        let folder = try TestFolder()
        let database = try Samples.database(in: folder)
        let program = try Tool.path("virus-scan")
        // Files of 4 KiB at the most; a write beyond is an error and no signal.
        let script = "trap '' XFSZ; ulimit -f 8; exec \"$0\" --check --database \"$1\""
        var tool = try Tool("/bin/sh", ["-c", script, program, database])
        tool.message = Samples.mail([[UInt8](repeating: 0xA5, count: 100_000)])
        let result = try tool.run()
        #expect(result.code == 71)
        #expect(result.errors.contains("could not be written to be scanned"))
    }
}
