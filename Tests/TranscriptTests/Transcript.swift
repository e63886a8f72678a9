// Transcript: what a tool is given and what must come of it, as a file of text.
// Tests/Transcripts/README.md.
// SPDX-License-Identifier: MIT

import Foundation
import MailModel
import TestSupport

/// One case of a transcript: steps that share a folder, files and services.
struct TranscriptCase: Sendable {
    /// The executable: the name of the folder that the transcript is in.
    var tool: String
    /// `regex-filter/header.t:12`.
    var place: String
    var title: String
    var ways: [Way] = [.shell, .shellByPipe, .queue, .queueByPipe, .chain, .qfilter, .resident]
    /// Files of the folder that the tool runs in.
    var files: [(name: String, bytes: [UInt8])] = []
    /// Those of them that are made of the lines of a block: `KEY->DATA`, one record a line.
    var databases: [(name: String, lines: [UInt8])] = []
    /// Command lines of services that run meanwhile.
    var services: [[String]] = []
    /// Lines of a zone file, when a zone-server runs.
    var zone: [UInt8]?
    var steps: [Step] = []
}

/// One run of the tool, or one request to it.
struct Step: Sendable {
    var options: [String] = []
    var environment: [String: String] = [:]
    var facts: [(name: FactName, value: String)] = []
    var stage = Stage.message
    var sender: String?
    private(set) var recipients: [String] = []
    /// True while the recipients are those of the step before.
    var inheritsRecipients = false
    /// An envelope in the queue format, well formed or not, instead of sender and recipients.
    var envelope: [UInt8]?
    var message: [UInt8] = []

    var verdict: String?
    var reply: String?
    var exit: Int32?
    /// What becomes of the message; nil when it stays as it is.
    var output: [UInt8]?
    var newSender: String?
    var newRecipients: [String] = []
    /// All that goes to descriptor 2, where a step says so.
    var errors: [UInt8]?
    /// The line of `--explain`.
    var explain: [UInt8]?
}

/// A way to call the tool: a convention, and how its input reaches it.
enum Way: String, CaseIterable, Sendable {
    case shell
    case shellByPipe = "shell-by-pipe"
    case queue
    case queueByPipe = "queue-by-pipe"
    case chain
    case qfilter
    case resident
    /// As any program: options, message, output, exit code; no verdict.
    case plain

    /// The ways that a word of `conventions` stands for.
    static func named(_ word: String) -> [Way]? {
        switch word {
        case "shell": [.shell, .shellByPipe]
        case "queue": [.queue, .queueByPipe]
        default: Way(rawValue: word).map { [$0] }
        }
    }
}

extension Step {
    /// One recipient more; the first one of a step takes the place of those of the step before.
    mutating func add(recipient: String) {
        recipients = inheritsRecipients ? [recipient] : recipients + [recipient]
        inheritsRecipients = false
    }

    /// The envelope in the queue format.
    var queueFormat: [UInt8] {
        envelope ?? Step.queueFormat(sender ?? "", recipients)
    }

    /// What the next program gets.
    var newQueueFormat: [UInt8] {
        guard newSender != nil || !newRecipients.isEmpty else { return queueFormat }
        return Step.queueFormat(
            newSender ?? sender ?? "", newRecipients.isEmpty ? recipients : newRecipients)
    }

    private static func queueFormat(_ sender: String, _ recipients: [String]) -> [UInt8] {
        Array("F\(sender)\0\(recipients.map { "T\($0)\0" }.joined())\0".utf8)
    }
}
