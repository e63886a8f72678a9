// World: a root whose filters.d a test fills, and requests to its chain.
// SPDX-License-Identifier: MIT

import Control
import FilterChain
import Foundation
import MailModel
import TestSupport
import UnixIO

/// What a chain answered.
struct Answer {
    let verdict: Verdict
    /// The message that is there after the chain; nil unless it accepts.
    let message: String?
    let trail: [StepRecord]

    var edits: [Edit]? { if case .accept(let edits) = verdict { edits } else { nil } }
    var reply: Reply? { verdict.reply }
    var status: String? { verdict.reply.map { "\($0.code) \($0.status)" } }
}

/// A fresh root.
final class World: Sendable {
    let folder: TestFolder

    init() throws {
        folder = try TestFolder()
        for path in ["etc/filters.d", "run/filters", "bin"] {
            try Files.makeFolders(folder.file(path))
        }
    }

    var root: Root { Root(folder.path) }

    /// A description.
    func describe(_ name: String, _ lines: String...) throws {
        try folder.write("etc/filters.d/\(name)", lines.map { "\($0)\n" }.joined())
    }

    /// A description of a step that a shell runs per message.
    func script(
        _ name: String, _ body: String, convention: String = "qfilter", _ lines: String...
    ) throws {
        let path = try folder.write("bin/\(name)", body + "\n")
        let workers = convention == "chain" ? "workers 0\n" : ""
        let more = lines.map { "\($0)\n" }.joined()
        try folder.write(
            "etc/filters.d/\(name)",
            "run /bin/sh \"\(path)\"\nconvention \(convention)\n\(workers)\(more)")
    }

    /// A file that may be run. Another process writes it: one that this process has open for
    /// writing is busy in every child that another test starts at that moment.
    func executable(_ path: String, _ body: String) throws {
        var tool = try Tool(
            "/bin/sh", ["-c", "cat > \"$0\" && chmod 755 \"$0\"", folder.file(path)])
        tool.message = Array(body.utf8)
        guard try tool.run().code == 0 else { throw TestFailure("\(path) cannot be written") }
    }

    func chain() throws -> Chain { try Chain(root) }

    /// A request about a message from a client.
    static func request(_ message: String = letter) throws -> FilterRequest {
        var facts = Facts()
        facts[.clientIP] = Array("192.0.2.1".utf8)
        facts[.helo] = Array("client.test".utf8)
        let envelope = Envelope(
            reversePath: try ReversePath(Array("alice@example.org".utf8)),
            recipients: [try Mailbox(Array("bob@example.test".utf8))])
        return FilterRequest(
            stage: .message, facts: facts, envelope: envelope, messageLength: message.utf8.count)
    }

    static let letter = "Subject: hello\n\nHello, Bob.\n"

    /// Asks the chain about a letter.
    func judge(_ change: (inout FilterRequest) throws -> Void = { _ in }) throws -> Answer {
        try judge(Self.letter, change: change)
    }

    func judge(
        _ message: String, deadline: Deadline = .after(Chain.limit),
        change: (inout FilterRequest) throws -> Void = { _ in }
    ) throws -> Answer {
        var request = try Self.request(message)
        try change(&request)
        let file = try Files.inMemory("message")
        try file.borrowed.writeAll(Array(message.utf8), "message")
        let reading = try file.reopenedForReading()
        var result = try chain().judge(
            request, request.stage == .message ? reading.borrowed : nil, log: Log("test"),
            deadline: deadline)
        guard case .accept(let edits) = result.verdict else {
            return Answer(verdict: result.verdict, message: nil, trail: result.trail)
        }
        let overlay = (request.edits + edits).overlay
        let text: String
        if let file = result.replacement.take() {
            text = try Self.text(file, edits.replacement ?? (0, 0), overlay)
        } else {
            text = try Self.text(reading, (request.messageOffset, request.messageLength), overlay)
        }
        return Answer(verdict: result.verdict, message: text, trail: result.trail)
    }

    private static func text(
        _ file: borrowing OwnedDescriptor, _ range: (offset: Int, length: Int),
        _ overlay: HeaderOverlay
    ) throws -> String {
        let view = try ViewFile.make(
            file.borrowed, offset: range.offset, length: range.length, overlay)
        return String(decoding: try view.borrowed.readToEnd("view"), as: UTF8.self)
    }

    /// What a step left in a file of the root; nil when it did not run so far.
    func trace(_ name: String) -> String? {
        (try? folder.read(name)).map { String(decoding: $0, as: UTF8.self) }
    }

    /// True when the process whose id a step left in a file has ended.
    func hasEnded(_ name: String) throws -> Bool {
        guard let text = trace(name),
            let pid = Int(text.trimmingCharacters(in: .whitespacesAndNewlines))
        else { throw TestFailure("no process id in \(name)") }
        guard let status = try? String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8) else {
            return true
        }
        // Nobody may have waited for it yet: then it is a zombie.
        return status.contains(") Z ")
    }
}

/// Texts of tests as bytes.
func mailbox(_ text: String) throws -> Mailbox { try Mailbox(Array(text.utf8)) }

extension FilterReply {
    /// As it goes over the wire.
    var frame: [UInt8] { fields.frame }
}
