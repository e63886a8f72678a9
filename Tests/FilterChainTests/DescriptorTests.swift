// Tests of filter-chain with descriptors that are not what they must be.
// filter-chain(8), section EXIT STATUS.
// SPDX-License-Identifier: MIT

import MailModel
import TestSupport
import Testing

struct DescriptorTests {
    private let world: World

    init() throws {
        world = try World()
        try world.script("10-a", "cat > '\(world.folder.file("seen"))'; echo a word >&2")
        try world.folder.write("message", World.letter)
        try world.folder.write("envelope", "Falice@example.org\0Tbob@example.test\0\0")
    }

    /// filter-chain in the place of qmail-queue, with descriptors as a shell puts them.
    private func run(_ redirections: String, before: String = "exec") throws -> ToolResult {
        let chain = try Tool.path("filter-chain")
        var tool = try Tool("/bin/sh", ["-c", "\(before) '\(chain)' \(redirections)"])
        try world.executable("bin/next", "#!/bin/sh\ncat > '\(world.folder.file("queued"))'\n")
        tool.environment = [
            "CHAINMAIL_ROOT": world.folder.path, "CHAINMAIL_NEXT": world.folder.file("bin/next"),
        ]
        tool.folder = world.folder.path
        return try tool.run()
    }

    @Test func `message and envelope that are there go on`() throws {
        #expect(try run("< message 1< envelope").code == 0)
        #expect(world.trace("queued") == World.letter)
    }

    @Test(arguments: [
        "<&- 1< envelope", "< message >&-", "<&- >&-", "< message 1>/dev/null",
        "0> other 1< envelope", "< message 1</dev/null", "< / 1< envelope",
    ])
    func `what cannot be read is exit 54, and nothing goes on`(redirections: String) throws {
        let result = try run(redirections)
        #expect(result.code == 54, "\(result.errors)")
        #expect(world.trace("queued") == nil)
    }

    @Test(arguments: ["exec", "cat message |"])
    func `without a log the message is still the message`(before: String) throws {
        let input = before == "exec" ? "< message" : ""
        #expect(try run("\(input) 1< envelope 2>&-", before: before).code == 0)
        #expect(world.trace("seen") == World.letter)
        #expect(world.trace("queued") == World.letter)
    }

    @Test func `a full disk for the message by hand is exit 53`() throws {
        let chain = try Tool.path("filter-chain")
        var tool = try Tool(
            "/bin/sh", ["-c", "exec '\(chain)' --sender a@b.test < message > /dev/full"])
        tool.environment = ["CHAINMAIL_ROOT": world.folder.path]
        tool.folder = world.folder.path
        #expect(try tool.run().code == 53)
    }
}
