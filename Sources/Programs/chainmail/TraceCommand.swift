// TraceCommand: what the logs know of a message, from its connection to its last delivery.
// chainmail(1), section TRACING; chainmail(7), section LOGS.
// SPDX-License-Identifier: MIT

import ArgumentParser
import Glibc
import MailModel
import UnixIO

/// `chainmail trace`. Exit 66 when the logs know nothing of it.
struct TraceCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "trace", abstract: "Show what logs know of a message.")

    @Flag(help: "Write one JSON object a line.")
    var json = false
    @Argument(help: "The id of a message or session, a Message-ID, or a mailbox.")
    var what: String
    @Argument(help: "Files of logs, the oldest first; standard input.")
    var files: [String] = []

    func run() throws {
        try reporting {
            var logs: [OwnedLog] = []
            if files.isEmpty {
                logs.append(try OwnedLog(keeping: Descriptor(rawValue: 0)))
            } else {
                for file in files { logs.append(try OwnedLog(file)) }
            }
            var trace = Trace(what)
            repeat {
                trace.isGrowing = false
                for log in logs { try log.forEachLine { line in trace.learn(line) } }
                guard trace.isSmall else {
                    throw Failure.data("more than \(Trace.idsAtMost) ids belong to \(what)")
                }
            } while trace.isGrowing
            var count = 0
            for log in logs {
                try log.forEachLine { (line) throws(SystemError) in
                    guard trace.holds(line) else { return }
                    count += 1
                    try say(json ? line.json : line.text + "\n")
                }
            }
            if count == 0 { throw Failure.unknown("the logs know nothing of \(what)") }
        }
    }
}

/// The ids that belong together. A message brings its session, the reports on it and what it
/// reports on; a session brings its messages only when it was asked for itself.
struct Trace {
    /// So many ids are remembered at most.
    static let idsAtMost = 100_000

    private let what: String
    /// A mailbox or a Message-ID, with or without the brackets.
    private let name: String?
    private var messages: Set<String> = []
    private var sessions: Set<String> = []
    /// The session that was asked for.
    private let whole: String?
    /// True when an id was learned since this was set to false.
    var isGrowing = false

    init(_ what: String) {
        self.what = what
        let isMessage = QueueID(Array(what.utf8)) != nil
        whole = SessionID(Array(what.utf8)) == nil ? nil : what
        name = isMessage || whole != nil ? nil : what
        if isMessage { add(what) }
        if let whole { sessions.insert(whole) }
    }

    var isSmall: Bool { messages.count + sessions.count <= Trace.idsAtMost }

    /// Follows what a line joins.
    mutating func learn(_ line: TraceLine) {
        let message = line["message"]
        let report = line["report"]
        if let message, let report, messages.contains(message) != messages.contains(report) {
            add(message)
            add(report)
        }
        if names(line) {
            if let message {
                add(message)
            } else if let session = line["session"] {
                add(session: session)
            }
        }
        if let session = line["session"], let message {
            if session == whole { add(message) }
            if messages.contains(message) { add(session: session) }
        }
    }

    /// True for a line that is to be shown.
    func holds(_ line: TraceLine) -> Bool {
        if let message = line["message"] {
            return messages.contains(message) || line["report"].map(messages.contains) == true
        }
        return names(line) || line["session"].map(sessions.contains) == true
    }

    private func names(_ line: TraceLine) -> Bool {
        guard let name else { return false }
        return ["to", "from", "recipient", "reverse-path", "message-id"].contains { key in
            guard let value = line[key] else { return false }
            return value == name || value == "<\(name)>"
        }
    }

    private mutating func add(_ message: String) {
        guard QueueID(Array(message.utf8)) != nil, isSmall else { return }
        if messages.insert(message).inserted { isGrowing = true }
    }

    private mutating func add(session: String) {
        guard SessionID(Array(session.utf8)) != nil, isSmall else { return }
        if sessions.insert(session).inserted { isGrowing = true }
    }
}
