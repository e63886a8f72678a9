// Stagehand: one case in one convention: a folder, services, and the steps in order.
// filter-protocol(7), qmail-queue(8).
// SPDX-License-Identifier: MIT

import Glibc
import MailModel
import TestSupport
import UnixIO
import Workers

/// Runs a case.
final class Stagehand {
    private let one: TranscriptCase
    private let way: Way
    private let folder: TestFolder
    private var services: [Service] = []
    private var resident: (options: [String], service: Service)?
    private var zoneAddress = ""
    /// True when the tool finds a client behind descriptor 6 that reads a reason.
    var givesReasons = false

    init(_ one: TranscriptCase, _ way: Way) throws {
        self.one = one
        self.way = way
        folder = try TestFolder()
        for file in one.files { try folder.write(file.name, file.bytes) }
        for database in one.databases {
            try folder.write(database.name, constantDatabase(lines: database.lines))
        }
        if let zone = one.zone {
            let service = try Service.zone(String(decoding: zone, as: UTF8.self), in: folder)
            zoneAddress = service.ready
            services.append(service)
        }
        for (index, words) in one.services.enumerated() {
            var tool = try Tool(words[0], words.dropFirst().map(filled))
            tool.folder = folder.path
            services.append(try Service(tool, log: folder.file("service-\(index).log")))
        }
    }

    /// What comes of a step.
    func outcome(of step: Step) throws -> Outcome {
        switch way {
        case .shell, .shellByPipe: try shell(step)
        case .queue, .queueByPipe: try queue(step)
        case .chain: try chain(step)
        case .qfilter: try qfilter(step)
        case .resident: try ask(step)
        case .plain: try plain(step)
        }
    }

    private func filled(_ word: String) -> String {
        word.replacing("{zone}", with: zoneAddress).replacing("{folder}", with: folder.path)
    }

    private func tool(_ step: Step, _ more: [String] = []) throws -> Tool {
        var tool = try Tool(one.tool, step.options.map(filled) + more)
        tool.environment = step.environment.mapValues(filled)
        tool.message = step.message
        tool.folder = folder.path
        tool.input = way == .shellByPipe || way == .queueByPipe ? .pipe : .file
        return tool
    }

    private func plain(_ step: Step) throws -> Outcome {
        let result = try tool(step).run()
        return Outcome(
            exit: "\(result.termination)", message: result.output, errors: result.errors)
    }

    private func shell(_ step: Step) throws -> Outcome {
        var more = try optionFacts(step)
        if let sender = step.sender { more += ["--sender", sender] }
        more += step.recipients.flatMap { ["--recipient", $0] }
        if step.explain != nil { more.append("--explain") }
        let result = try tool(step, more).run()
        let saysErrors = step.verdict != nil || step.errors != nil
        return Outcome(
            exit: "\(result.termination)", message: result.output,
            errors: saysErrors ? result.errors : nil)
    }

    private func queue(_ step: Step) throws -> Outcome {
        let script = "cat >next-message && cat <&1 >next-envelope"
        var tool = try tool(step, try optionFacts(step) + ["--", "/bin/sh", "-c", script])
        tool.envelope = step.queueFormat
        for name in ["next-message", "next-envelope"] { unlink(folder.file(name)) }
        let pipe = try OwnedPipe()
        if givesReasons { tool.descriptors[6] = pipe.writing.rawValue }
        let result = try tool.run()
        let (exit, reason) = try told(result.termination, pipe.reading)
        return Outcome(
            exit: exit, reply: reason, message: try? folder.read("next-message"),
            envelope: try? folder.read("next-envelope"))
    }

    private func chain(_ step: Step) throws -> Outcome {
        let envelope = try Files.inMemory("envelope")
        let record = try Files.inMemory("record")
        let newMessage = try Files.inMemory("new message")
        if step.stage >= .mail || step.envelope != nil {
            try envelope.borrowed.writeAll(step.queueFormat, "envelope")
            try envelope.borrowed.rewind("envelope")
        }
        var tool = try tool(step)
        tool.environment.merge(variableFacts(step)) { own, _ in own }
        tool.environment["FILTER_STAGE"] = step.stage.rawValue
        tool.environment["FILTER_VERDICT_FD"] = "7"
        tool.environment["FILTER_MESSAGE_FD"] = "8"
        tool.descriptors = [3: envelope.number, 7: record.number, 8: newMessage.number]
        let result = try tool.run()
        let size = Int(try record.borrowed.status("record").st_size)
        let bytes = try record.borrowed.bytes(at: 0, count: size, "record")
        let reply = bytes.isEmpty ? nil : try FilterReply(Fields(frame: bytes))
        var outcome = try outcome(of: step, reply, newMessage)
        outcome.exit = "\(result.termination)"
        return outcome
    }

    private func qfilter(_ step: Step) throws -> Outcome {
        let tool = try tool(step, try optionFacts(step))
        var launcher = QfilterLauncher([tool], message: step.message, envelope: step.queueFormat)
        launcher.messageOffset = step.message.count / 2
        let pipe = try OwnedPipe()
        if givesReasons { launcher.descriptor6 = pipe.writing.rawValue }
        let result = try launcher.run()
        let (exit, reason) = try told(result.ends.last ?? .exited(-1), pipe.reading)
        var outcome = Outcome(exit: exit, reply: reason)
        let written = result.written.last
        guard result.isQueued else {
            // A filter that refuses writes nothing.
            outcome.message = written.flatMap { $0.message.isEmpty ? nil : $0.message }
            outcome.envelope = written.flatMap { $0.envelope.isEmpty ? nil : $0.envelope }
            return outcome
        }
        outcome.message = result.message
        outcome.envelope = result.envelope
        return outcome
    }

    /// The exit code, where a reason was given that of the verdict, and the reason.
    private func told(
        _ end: Termination, _ pipe: Descriptor
    ) throws -> (exit: String, reason: String?) {
        guard end == .exited(FilterExit.reason.rawValue) else { return ("\(end)", nil) }
        var bytes = [UInt8](repeating: 0, count: 1024)
        let got = try bytes.withUnsafeMutableBytes { try pipe.readSome(into: $0, "reason") }
        let reason = String(decoding: bytes[..<got], as: UTF8.self)
        return (reason.hasPrefix("D") ? "exit 31" : "exit 71", reason)
    }

    private func ask(_ step: Step) throws -> Outcome {
        let socket = folder.file("s")
        let serving = ["--serve", socket, "--workers", "1-1"]
        guard step.exit != FilterExit.badConfiguration.rawValue else {
            let result = try tool(step, serving).run()
            guard result.termination == .exited(55) else {
                throw TestFailure("the pool ended with \(result.termination)")
            }
            return Outcome()
        }
        if resident?.options != step.options {
            try resident?.service.stop()
            let service = try Service(tool(step, serving), log: folder.file("pool.log"))
            resident = (step.options, service)
        }
        let message = try Files.inMemory("message")
        try message.borrowed.writeAll(Array("before".utf8) + step.message, "message")
        let isWhole = step.stage == .message
        var request = FilterRequest(
            stage: step.stage, facts: facts(step), messageOffset: isWhole ? 6 : 0,
            messageLength: isWhole ? step.message.count : 0)
        if step.stage >= .mail { request.envelope = try Envelope(queueFormat: step.queueFormat) }
        let reading = try message.reopenedForReading()
        var reply = try Exchange.call(
            socket, request.fields, descriptors: isWhole ? [reading.borrowed] : [],
            deadline: .after(.seconds(30)))
        let record = try FilterReply(reply.fields)
        guard let file = reply.first.take() else { return try outcome(of: step, record, message) }
        return try outcome(of: step, record, file)
    }

    /// A reply, and what its edits make of message and envelope.
    private func outcome(
        of step: Step, _ reply: FilterReply?, _ file: borrowing OwnedDescriptor
    ) throws -> Outcome {
        var outcome = Outcome()
        if step.verdict != nil || reply?.verdict.word != "defer" {
            outcome.verdict = reply?.verdict.word
            outcome.reply = reply?.verdict.reply.map { "\($0)" }
        }
        guard case .accept(let edits)? = reply?.verdict else { return outcome }
        var message = step.message
        if let range = edits.replacement {
            message = try file.borrowed.bytes(at: range.offset, count: range.length, "message")
        }
        outcome.message = edited(message, edits.overlay)
        let envelope = try Envelope(queueFormat: step.queueFormat)
        outcome.envelope = edits.applied(to: envelope).queueFormat
        return outcome
    }

    private func edited(_ message: [UInt8], _ overlay: HeaderOverlay) -> [UInt8] {
        var filter = HeaderFieldFilter(removing: overlay.removedNames)
        var result = overlay.top
        let taken = message.withUnsafeBytes { filter.take($0, into: &result) }
        filter.finish(into: &result)
        return result + message[taken...]
    }
}
