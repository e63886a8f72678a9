// Tests of which steps hear that something was refused, and of those that do not listen.
// filters.d(5), keyword report.
// SPDX-License-Identifier: MIT

import FilterChain
import MailModel
import TestSupport
import Testing
import UnixIO

struct ReportTests {
    private let world: World

    init() throws { world = try World() }

    private func pool(_ name: String, _ lines: String...) throws -> FakePool {
        try world.folder.write(
            "etc/filters.d/\(name)", (["run cat"] + lines).map { "\($0)\n" }.joined())
        return try FakePool(world.folder.file("run/filters/\(name)"), .reject(Self.no))
    }

    private static let no = Reply(550, EnhancedStatus(5, 7, 1), "no")

    private func request() throws -> FilterRequest {
        var request = try World.request("")
        request.stage = .rcpt
        return request
    }

    @Test func `steps that want to hear, hear of it at any stage`() throws {
        let early = try pool("10-early", "stage connect", "report failures")
        let late = try pool("20-late", "report failures", "skip local")
        let deaf = try pool("30-deaf", "stage rcpt")
        let request = try request()
        try world.chain().report(.refused, request, log: Log("test"))
        var expected = request
        expected.outcome = .refused
        #expect(early.requests == [expected])
        #expect(late.requests == [expected])
        #expect(deaf.requests.isEmpty)
    }

    @Test func `who refused, is observed, or does not judge such clients hears nothing`() throws {
        let pools = [
            try pool("10-refuser", "stage rcpt", "report failures"),
            try pool("20-observed", "report failures", "mode observe"),
            try pool("30-skips", "report failures", "skip relayed"),
        ]
        var request = try request()
        request.facts[.relay] = []
        try world.chain().report(.refused, request, except: "10-refuser", log: Log("test"))
        #expect(pools.allSatisfy { $0.requests.isEmpty })
    }

    @Test func `a trial charges nobody`() throws {
        let pool = try pool("10-a", "report failures")
        var request = try request()
        request.isTrial = true
        try world.chain().report(.refused, request, log: Log("test"))
        #expect(pool.requests.isEmpty)
    }

    @Test func `a step that does not answer is left alone after a moment`() throws {
        try world.describe("10-a", "run cat", "report failures", "timeout 10m")
        let listener = try UnixSocket.listen(at: world.folder.file("run/filters/10-a"))
        try world.chain().report(.refused, try request(), log: Log("test"))
        withExtendedLifetime(listener) {}
    }

    @Test func `under QMAILQUEUE a refused recipient is told too, but not by hand with --check`()
        throws
    {
        let root = try ChainFolder()
        try root.step(
            "10-hears",
            script: "[ \"$FILTER_OUTCOME\" ] && tr '\\0' ' ' <&3 >>\(root.folder.file("heard"))\n"
                + ChainFolder.saying(.accept), "stage mail", "workers 0", "report failures")
        try root.step(
            "20-no",
            script: "tr '\\0' '\\n' <&3 | grep -q ^Tc@ && { "
                + ChainFolder.saying(.accept) + "; exit; }; "
                + ChainFolder.saying(.reject(Self.no)) + "; exit 31", "stage rcpt", "workers 0")
        #expect(try root.byHand(["--check"]).code == 31)
        #expect(root.text("heard") == nil)
        let handed = try root.queued()
        #expect(handed == .init(code: 31, message: nil, envelope: nil), "\(handed.errors)")
        #expect(root.text("heard") == "Fa@b.test Te@f.test  ")
    }
}
