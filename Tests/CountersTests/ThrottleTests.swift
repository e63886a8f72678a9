// ThrottleTests: tests Sources/Filters/throttle as it is run.
// SPDX-License-Identifier: MIT

import MailModel
import TestSupport
import Testing
import UnixIO

/// A throttle with a store of its own, in the shell convention.
private struct Shell {
    let folder: TestFolder

    init() throws { folder = try TestFolder() }

    func run(_ limits: [String], _ more: [String] = [], body: String = "hello\n") throws
        -> ToolResult
    {
        var arguments = limits.flatMap { ["--limit", $0] } + more
        if !more.contains("--store") { arguments += ["--store", folder.file("store")] }
        var tool = try Tool("throttle", arguments)
        tool.message = Array("Subject: x\n\n\(body)".utf8)
        return try tool.run()
    }

    func codes(_ limits: [String], _ runs: [[String]]) throws -> [Int32] {
        try runs.map { try run(limits, $0).code }
    }
}

@Suite struct ThrottleTests {
    private static let one = ["--client-ip", "192.0.2.1"]

    @Test func `the client over its limit gets 451 4 7 1 and its text`() throws {
        let shell = try Shell()
        let limits = ["client messages 2/1h defer slow down, please"]
        #expect(try shell.codes(limits, [Self.one, Self.one]) == [0, 0])
        let result = try shell.run(limits, Self.one)
        #expect(result.code == FilterExit.defer.rawValue)
        #expect(result.errors.hasSuffix("throttle: defer 451 4.7.1 slow down, please\n"))
        #expect(result.output.isEmpty)
        #expect(try shell.run(limits, ["--client-ip", "192.0.2.2"]).code == 0)
    }

    @Test func `reject is 550 5 7 1`() throws {
        let shell = try Shell()
        let limits = ["client messages 1/1h reject"]
        _ = try shell.run(limits, Self.one)
        let result = try shell.run(limits, Self.one)
        #expect(result.code == FilterExit.reject.rawValue)
        #expect(result.errors.contains("reject 550 5.7.1 too many messages, try again later"))
    }

    @Test(arguments: [
        ("client/24", "192.0.2.1", "192.0.2.200", true),  // one network
        ("client/24", "192.0.2.1", "192.0.3.1", false),
        ("client/64", "2001:db8:0:1::1", "2001:db8:0:1:ffff::2", true),
        ("client/64", "2001:db8:0:1::1", "2001:db8:0:2::1", false),
        ("client/64", "192.0.2.1", "192.0.2.2", false),  // longer than an IPv4 address
        ("client", "192.0.2.1", "::ffff:192.0.2.1", true),  // the same address
        ("all", "192.0.2.1", "198.51.100.1", true),
    ])
    func `clients share a limit by their network`(
        key: String, first: String, second: String, isOne: Bool
    ) throws {
        let codes = try Shell().codes(
            ["\(key) messages 1/1h defer"], [["--client-ip", first], ["--client-ip", second]])
        #expect(codes == [0, isOne ? 71 : 0])
    }

    @Test(arguments: [
        ("sender", ["--sender", "a@example.org"], ["--sender", "A@EXAMPLE.org"], true),
        ("sender", ["--sender", "a@example.org"], ["--sender", "b@example.org"], false),
        ("sender", ["--sender", ""], ["--sender", ""], false),  // reports come from everywhere
        ("sender-domain", ["--sender", "a@example.org"], ["--sender", "b@example.org"], true),
        ("user", ["--auth-user", "a"], ["--auth-user", "a"], true),
        // Whoever checks the password may take both.
        ("user", ["--auth-user", "a"], ["--auth-user", "A"], true),
        ("user", ["--sender", "a@b"], ["--sender", "a@b"], false),  // nobody was authenticated
        ("helo", ["--helo", "x.example"], ["--helo", "X.example"], true),
        ("recipient", ["--recipient", "a@b"], ["--recipient", "a@b"], true),
        ("recipient", ["--recipient", "a@b"], ["--recipient", "c@b"], false),
        ("recipient-domain", ["--recipient", "a@b"], ["--recipient", "c@b"], true),
        (
            "sender+recipient", ["--sender", "a@b", "--recipient", "c@d"],
            ["--sender", "a@b", "--recipient", "e@f", "--recipient", "c@d"], true
        ),
        (
            "sender+recipient", ["--sender", "a@b", "--recipient", "c@d"],
            ["--sender", "x@b", "--recipient", "c@d"], false
        ),
        // Two halves that join to the same text are still two.
        (
            "sender+user", ["--sender", "a", "--auth-user", "b1"],
            ["--sender", "a1", "--auth-user", "b"], false
        ),
    ])
    func `a key says who shares a limit`(
        key: String, first: [String], second: [String], isOne: Bool
    ) throws {
        let codes = try Shell().codes(["\(key) messages 1/1h defer"], [first, second])
        #expect(codes == [0, isOne ? 71 : 0])
    }

    @Test func `recipients are counted one by one`() throws {
        let two = Self.one + ["--recipient", "a@b", "--recipient", "c@d"]
        let codes = try Shell().codes(["client recipients 5/1h defer"], [two, two, two])
        #expect(codes == [0, 0, 71])
    }

    @Test func `bytes are counted by the message`() throws {
        let shell = try Shell()
        let limits = ["client bytes 10K/1h defer"]
        let body = String(repeating: "x", count: 6000)
        #expect(try shell.run(limits, Self.one, body: body).code == 0)
        #expect(try shell.run(limits, Self.one, body: body).code == 71)
        #expect(try shell.run(limits, Self.one, body: "").code == 0)
    }

    @Test func `the first limit that refuses decides`() throws {
        let limits = [
            "client messages 9/1h reject", "all messages 1/1h defer", "client messages 1/1h reject",
        ]
        #expect(try Shell().codes(limits, [Self.one, Self.one]) == [0, 71])
    }

    @Test func `a limit that only logs lets pass and says so`() throws {
        let shell = try Shell()
        let limits = ["client messages 1/1h log"]
        _ = try shell.run(limits, Self.one)
        let result = try shell.run(limits, Self.one + ["--explain"])
        #expect(result.code == 0)
        #expect(result.errors.contains(#""over":"client messages 1/3600s/1""#))
        #expect(result.text == "Subject: x\n\nhello\n")
    }

    @Test func `the longest delay over a limit is asked for`() throws {
        let shell = try Shell()
        let limits = ["client messages 1/1h delay 2s", "all messages 1/1h delay 5s"]
        #expect(try !shell.run(limits, Self.one + ["--explain"]).errors.contains("delay"))
        let result = try shell.run(limits, Self.one + ["--explain"])
        #expect(result.code == 0)
        #expect(result.errors.contains(#""delay":5000"#))
    }

    @Test(arguments: ["255K", "2G", "x", "0"])
    func `a store of a senseless size is bad configuration`(size: String) throws {
        let result = try Shell().run(
            ["all messages 1/1h defer"], Self.one + ["--store-size", size])
        #expect(result.code == FilterExit.badConfiguration.rawValue)
    }

    @Test func `check charges nothing`() throws {
        let check = Self.one + ["--check"]
        let codes = try Shell().codes(
            ["client messages 1/1h defer"], [check, check, Self.one, check, Self.one])
        #expect(codes == [0, 0, 0, 71, 71])
    }

    @Test func `a store that cannot be used defers unless it was said otherwise`() throws {
        let shell = try Shell()
        let limits = ["client messages 1/1h defer"]
        let lost = Self.one + ["--store", "/dev/null/store"]
        #expect(try shell.run(limits, lost).code == FilterExit.cannotWrite.rawValue)
        #expect(try shell.run(limits, lost + ["--store-lost", "accept"]).code == 0)
    }

    @Test(arguments: [
        "", "client", "client messages 1/1h", "client/0 messages 1/1h defer",
        "client/129 messages 1/1h defer", "clients messages 1/1h defer",
        "sender+ messages 1/1h defer", "client mails 1/1h defer", "client messages 1 defer",
        "client messages 1/1h refuse", "client messages 1/1h delay",
        "client messages 1/1h delay 11m", "client messages 1/1h log it",
    ])
    func `a limit that cannot be understood is bad configuration`(limit: String) throws {
        let result = try Shell().run([limit], Self.one)
        #expect(result.code == FilterExit.badConfiguration.rawValue)
        #expect(result.errors.hasPrefix("throttle: --limit '\(limit)': "))
    }

    @Test func `without a limit there is nothing to do`() throws {
        #expect(try Shell().run([]).code == FilterExit.badConfiguration.rawValue)
    }
}
