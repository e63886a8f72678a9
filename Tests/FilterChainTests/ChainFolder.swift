// ChainFolder: a root with a filters.d of a test's own, and filter-chain run on it.
// SPDX-License-Identifier: MIT

import MailModel
import TestSupport
import UnixIO

/// A folder that is a root, with steps made of shell scripts.
struct ChainFolder {
    static let message = "Subject: x\n\nhello world\n"
    static let envelope = "Fa@b.test\0Tc@d.test\0Te@f.test\0\0"

    let folder: TestFolder

    init() throws {
        folder = try TestFolder()
        try folder.write("etc/filters.d/README", "")
    }

    /// Writes a description.
    func step(_ name: String, _ text: String) throws {
        try folder.write("etc/filters.d/\(name)", text)
    }

    /// Writes a description that runs a shell script.
    func step(_ name: String, script: String, _ lines: String...) throws {
        let path = try folder.write("\(name).sh", "#!/bin/sh\n\(script)\n", mode: 0o700)
        try step(name, (["run \(path)"] + lines).joined(separator: "\n"))
    }

    /// Writes a script of qmail-qfilter's kind into filters.d.
    func drop(_ name: String, _ script: String) throws {
        try folder.write("etc/filters.d/\(name)", "#!/bin/sh\n\(script)\n", mode: 0o700)
    }

    /// A shell command that writes a whole record to the verdict descriptor.
    static func saying(_ verdict: Verdict) -> String {
        let frame = FilterReply(verdict).fields.frame.map { "\\0" + String($0, radix: 8) }
        return "printf '%b' '\(frame.joined())' >&\"$FILTER_VERDICT_FD\""
    }

    /// filter-chain by hand: from a@b.test to c@d.test and e@f.test.
    func byHand(
        _ arguments: [String] = [], _ message: [UInt8] = Array(message.utf8),
        environment: [String: String] = [:]
    ) throws -> ToolResult {
        let ends = ["--sender", "a@b.test", "--recipient", "c@d.test", "--recipient", "e@f.test"]
        var tool = try Tool("filter-chain", ["--root", folder.path] + ends + arguments)
        tool.message = message
        tool.environment = environment
        return try tool.run()
    }

    /// What the next program got.
    struct Handed: Equatable {
        var code: Int32
        var message: String?
        var envelope: String?
        var errors = ""

        static func == (one: Handed, other: Handed) -> Bool {
            one.code == other.code && one.message == other.message
                && one.envelope == other.envelope
        }
    }

    /// filter-chain in qmail-queue's place, with a next program that keeps what it gets.
    func queued(
        _ message: String = message, _ envelope: String? = envelope, input: Tool.Input = .pipe,
        environment: [String: String] = [:], arguments: [String] = []
    ) throws -> Handed {
        let script = "cat >\(folder.path)/next-message; cat <&1 >\(folder.path)/next-envelope"
        let next = try folder.write("next", "#!/bin/sh\n\(script)\n", mode: 0o700)
        var tool = try Tool("filter-chain", ["--root", folder.path] + arguments)
        tool.message = Array(message.utf8)
        tool.envelope = envelope.map { Array($0.utf8) }
        tool.input = input
        tool.environment = ["CHAINMAIL_NEXT": next].merging(environment) { $1 }
        let result = try tool.run()
        return Handed(
            code: result.code, message: text("next-message"), envelope: text("next-envelope"),
            errors: result.errors)
    }

    /// The text of a file; nil when it is not there.
    func text(_ name: String) -> String? {
        (try? folder.read(name)).map { String(decoding: $0, as: UTF8.self) }
    }
}
