// Tests of a chain as a whole: its folder, the order and the names of its steps, its plan.
// filters.d(5), filter-chain(8).
// SPDX-License-Identifier: MIT

import Control
import FilterChain
import Glibc
import MailModel
import TestSupport
import Testing
import UnixIO

struct ChainTests {
    private let world: World

    init() throws { world = try World() }

    @Test func `an empty folder is a chain without a step, and says so`() throws {
        let chain = try world.chain()
        #expect(chain.steps.isEmpty)
        #expect(chain.plan == "no step: every message is accepted\n")
        #expect(try world.judge().verdict == .accept)
    }

    @Test func `a folder that is missing, or none, is an error`() throws {
        rmdir(world.folder.file("etc/filters.d"))
        #expect(throws: ChainError.self) { try world.chain() }
        try world.folder.write("etc/filters.d", "run cat\n")
        #expect(throws: ChainError.self) { try world.chain() }
        #expect(throws: ChainError.self) { try Chain(world.root, folder: "/no/such/folder") }
    }

    @Test(arguments: [
        "README", "10", "10-", "a-10", "-a", "10_a", "10-a~", "10-a.bak", "10-a.dpkg-new", ".10-a",
        "#10-a#", "10-ä", "10 a", "1０-a",
    ])
    func `a name that is no step's is ignored and shown`(name: String) throws {
        try world.folder.write("etc/filters.d/\(name)", "no description at all\n")
        let chain = try world.chain()
        #expect(chain.steps.isEmpty)
        #expect(chain.ignored == [name])
        #expect(chain.plan.hasSuffix("ignored \(name)\n"))
    }

    @Test func `steps are in the order of their names`() throws {
        for name in ["20-b", "100-z", "10-b", "10-a", "9-x", "10-A", "10-a_1", "10-a-1"] {
            try world.describe(name, "run cat")
        }
        #expect(
            try world.chain().steps.map(\.name)
                == ["10-A", "10-a", "10-a-1", "10-a_1", "10-b", "100-z", "20-b", "9-x"])
    }

    @Test func `the plan shows stages in the order of a session, and every setting`() throws {
        try world.describe("10-last", "run /bin/cat 'a b' \"it's\" ''", "convention qfilter")
        try world.describe(
            "20-first", "run /bin/cat", "stage connect", "workers 1 4", "timeout 2s",
            "on-error accept", "skip local relayed", "mode observe")
        #expect(
            try world.chain().plan == """
                connect 20-first run /bin/cat convention chain workers 1-4 timeout 2000ms \
                on-error accept skip relayed skip local mode observe
                message 10-last run /bin/cat 'a b' "it's" '' convention qfilter workers 0 \
                timeout 30000ms on-error defer

                """)
    }

    @Test func `a resident step is told where to serve and with how many`() throws {
        try world.describe("10-a", "run /bin/cat x", "workers 3 9")
        try world.describe("20-b", "run /bin/cat", "workers 0")
        let steps = try world.chain().residentSteps
        #expect(steps.map(\.name) == ["10-a"])
        let socket = world.folder.file("run/filters/10-a")
        #expect(steps.first?.arguments == ["x", "--serve", socket, "--workers", "3-9"])
        #expect(steps.first?.socket == socket)
    }

    @Test func `a stage without a step is worth no request`() throws {
        try world.describe("10-a", "run /bin/cat", "stage rcpt")
        let chain = try world.chain()
        #expect(Stage.allCases.filter(chain.judges) == [.rcpt])
    }

    @Test func `a chain by sockets alone takes no step without one, and starts none`() throws {
        let mark = world.folder.file("started")
        try world.describe("10-a", "run /bin/touch \(mark)", "stage mail", "workers 0")
        let chain = try world.chain()
        #expect {
            try chain.bySocketsAlone()
        } throws: {
            "\($0)".contains("filters.d/10-a: nobody serves this step")
        }
        // Also when the socket is gone afterwards.
        try world.folder.write("run/filters/10-a", "")
        let apart = try chain.bySocketsAlone()
        unlink(world.folder.file("run/filters/10-a"))
        var request = try World.request("")
        request.stage = .mail
        let deadline = Deadline.after(Chain.limit)
        let result = apart.judge(request, nil, log: Log("test"), deadline: deadline)
        #expect(result.verdict.reply?.code == 451)
        #expect(try Files.status(mark) == nil)
    }
}
