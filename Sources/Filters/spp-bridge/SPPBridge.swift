// spp-bridge: runs plugins of qmail-spp.
// spp-bridge(8); qmail-spp's documentation, Writing plugins.
// SPDX-License-Identifier: MIT

import Control
import FilterKit
import MailModel
import UnixIO

@main struct SPPBridge: Filter {
    static let name = "spp-bridge"
    static let summary = "Runs plugins of qmail-spp."
    static let options: [Usage.Option] = [
        .values("plugin", "PATH", "run this plugin; several run in this order"),
        .value("file", "FILE", "run the plugins that this smtpplugins file has for the stage"),
        .value("folder", "DIR", "where plugins are, and run (/var/qmail)"),
        .value("stage", "STAGE", "the stage of the plugins, where a whole message is judged"),
        .value("time-limit", "TIME", "for one plugin (20s)"),
        .root,
    ]

    private let plugins: PluginList
    private let stage: Stage?
    private let timeLimit: Duration
    private let domains: AcceptedDomains

    static func main() { FilterMain.run(Self.self) }

    init(_ setup: Setup) throws {
        let options = setup.options
        plugins = try PluginList(options)
        stage = try options.choice("stage", Stage.self)
        timeLimit = try options.duration("time-limit") ?? .seconds(20)
        domains = try AcceptedDomains(Root(options).control)
        guard stage != .message else {
            throw UsageError("--stage message: plugins judge connect, helo, mail, rcpt or data")
        }
    }

    mutating func judge(
        _ request: borrowing Request, _ evidence: inout Evidence
    ) throws(FilterError) -> Verdict {
        guard request.stage == .message else {
            return try judge(request, request.stage, request.envelope, &evidence)
        }
        guard let stage else {
            throw .configuration("a plugin does not judge a message: give the step a stage")
        }
        guard stage == .rcpt, let envelope = request.envelope else {
            return try judge(request, stage, request.envelope, &evidence)
        }
        // As in a session, one after the other.
        var edits: [Edit] = []
        var notes = request.notes
        for recipient in envelope.recipients {
            let single = Envelope(reversePath: envelope.reversePath, recipients: [recipient])
            let verdict = try judge(request, stage, single, &evidence, notes)
            guard case .accept(let more) = verdict else { return verdict }
            edits += more
            notes.merge(more.notes) { $1 }
        }
        return .accept(edits)
    }

    /// Runs the plugins of a stage until one has the last word. `notes` are those of the request,
    /// if there are no newer ones.
    private func judge(
        _ request: borrowing Request, _ stage: Stage, _ envelope: Envelope?,
        _ evidence: inout Evidence, _ notes: [String: [UInt8]]? = nil
    ) throws(FilterError) -> Verdict {
        var session = PluginSession(
            notes: notes ?? request.notes, facts: request.facts, stage: stage, envelope: envelope)
        session.isOurs = try isOurs(session.recipient, request.facts)
        if session.isOff { return .accept }
        if let refusal = try session.refusedBefore() { return refusal }
        for plugin in plugins.all(at: stage) {
            evidence.log("plugin", plugin.name)
            let run = PluginRun(plugin: plugin, folder: plugins.folder, timeLimit: timeLimit)
            let output = try run.output(session.variables)
            let verdict = try session.follow(output, plugin.name)
            if !session.printed.isEmpty { evidence["printed"] = .text(session.printed) }
            if let verdict { return verdict }
            if session.isDone { break }
        }
        return .accept(try session.edits())
    }

    /// What qmail-smtpd knows by control/rcpthosts and RELAYCLIENT.
    private func isOurs(_ recipient: Mailbox?, _ facts: Facts) throws(FilterError) -> Bool {
        guard let recipient, !facts.mayRelay else { return facts.mayRelay }
        do {
            return try domains.accepts(recipient)
        } catch {
            throw .configuration("\(error)")
        }
    }
}
