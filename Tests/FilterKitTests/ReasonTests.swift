// Tests of what a client of qmail-queue learns besides the exit code.
// filters(7), section REASONS.
// SPDX-License-Identifier: MIT

import Glibc
import MailModel
import TestSupport
import Testing
import UnixIO

struct ReasonTests {
    private let folder: TestFolder

    init() throws {
        folder = try TestFolder()
        try folder.write(
            "rules",
            """
            header:Subject /evil/ reject 554 5.7.0 no such mail here
            header:Subject /later/ defer 451 4.7.0 later, please
            header:Subject /(long.*)/ reject 550 5.7.1 $1
            header:Subject /gone/ discard

            """)
    }

    private func filter(_ subject: String, next: [String] = ["true"]) throws -> Tool {
        var tool = try Tool("regex-filter", ["--rules", "rules", "--"] + next)
        tool.folder = folder.path
        tool.message = Array("Subject: \(subject)\n\nbody\n".utf8)
        tool.envelope = Array("Fa@example.org\0Tb@example.test\0\0".utf8)
        return tool
    }

    private func outcome(
        _ client: ReasonClient, _ subject: String, next: [String] = ["true"]
    ) throws -> QueueCaller.Outcome {
        var tool = try filter(subject, next: next)
        client.variable.map { tool.environment["ERROR_FD"] = $0 }
        return try QueueCaller(client.descriptor).run(tool)
    }

    @Test(arguments: ReasonClient.all)
    func `each client gets a reason as it wants it, or none`(client: ReasonClient) throws {
        let reject = try outcome(client, "evil")
        #expect(reject.code == client.code ?? 31)
        #expect(reject.reason == (client.code == nil ? "" : "Dno such mail here (#5.7.0)"))
        let later = try outcome(client, "later")
        #expect(later.code == client.code ?? 71)
        #expect(later.reason == (client.code == nil ? "" : "Zlater, please (#4.7.0)"))
    }

    @Test(arguments: ReasonClient.all)
    func `what is no refusal has no reason`(client: ReasonClient) throws {
        let accepted = try outcome(client, "good", next: ["sh", "-c", "exit 77"])
        #expect(accepted.code == 77)
        #expect(accepted.reason == "")
        let gone = try outcome(client, "gone")
        #expect(gone.code == 0)
        #expect(gone.reason == "")
    }

    @Test(arguments: ReasonClient.all.filter { $0.code != nil })
    func `a second filter gives its reason to the same client`(client: ReasonClient) throws {
        try folder.write("none", "")
        var tool = try Tool("regex-filter", ["--rules", "none", "--"])
        tool.arguments += ["regex-filter", "--rules", "rules", "--", "true"]
        tool.folder = folder.path
        tool.message = Array("Subject: evil\n\n".utf8)
        tool.envelope = Array("Fa@example.org\0Tb@example.test\0\0".utf8)
        client.variable.map { tool.environment["ERROR_FD"] = $0 }
        let outcome = try QueueCaller(client.descriptor).run(tool)
        #expect(outcome.code == client.code)
        #expect(outcome.reason == "Dno such mail here (#5.7.0)")
    }

    @Test func `a reason is one line of at most 255 printable bytes, its status whole`() throws {
        let subject = "long \u{1B}[2J\u{9}\u{E9} " + String(repeating: "x", count: 500)
        let outcome = try outcome(ReasonClient.all[0], subject)
        #expect(outcome.code == 82)
        #expect(outcome.reason.hasPrefix("Dlong [2J?? x"))
        #expect(outcome.reason.hasSuffix("x (#5.7.1)"))
        #expect(outcome.reason.utf8.count == 255)
    }

    @Test func `the log goes on where descriptor 2 is not the pipe`() throws {
        let outcome = try outcome(ReasonClient.all[0], "evil")
        #expect(outcome.errors.contains("verdict=reject"))
    }

    private func shell(_ line: String) throws -> ToolResult {
        var tool = try Tool("/bin/bash", ["-c", "printf 'Subject: evil\\n\\n' >m; \(line)"])
        tool.folder = folder.path
        try folder.write("e", "Fa@example.org\0Tb@example.test\0\0")
        return try tool.run()
    }

    private static let run = "regex-filter --rules rules -- true <m 1<e"

    @Test(arguments: [
        // A log behind a pipe is no client.
        "{ \(run); echo $? >code; } 2>&1 | cat >log", "{ \(run); echo $? >code; } 2> >(cat >log)",
        // Files are no pipes: under qmail-qfilter 4 is the new envelope.
        "\(run) 6>out 4>out; echo $? >code", "ERROR_FD=6 \(run) 6>out 4>out; echo $? >code",
        // Nobody can write into the end that is read, nor into one that nobody reads.
        "\(run) 6< <(:); echo $? >code",
        "mkfifo f; exec 7<>f; exec 6>f; exec 7>&-; \(run); echo $? >code",
        "ERROR_FD=1 \(run); echo $? >code", "ERROR_FD=0 \(run); echo $? >code",
        "ERROR_FD=99999999999 \(run); echo $? >code", "ERROR_FD= \(run) 6> >(cat); echo $? >code",
    ])
    func `where nobody waits for a reason the exit code says it all`(line: String) throws {
        _ = try shell(line)
        #expect(
            eventually(within: .seconds(10)) { (try? folder.read("code")) == Array("31\n".utf8) })
        #expect(((try? folder.read("out")) ?? []).isEmpty)
    }
}
