// QueueSamples: messages and records that several tests use.
// SPDX-License-Identifier: MIT

import MailModel
import TestSupport

@testable import MailQueue

/// What does not depend on a test.
enum Samples {
    /// 2026-11-23 22:13:20 UTC.
    static let now: UInt64 = 1_795_472_000_000_000
    static let seconds = Int(now / 1_000_000)

    static func id(_ number: UInt32 = 1, random: UInt64 = 7) -> QueueID {
        SessionID(microseconds: now, random: random).message(number)
    }

    static func envelope(
        from sender: String = "alice@example.test", to recipients: String...
    ) throws -> Envelope {
        Envelope(
            reversePath: try ReversePath(Array(sender.utf8)),
            recipients: try recipients.map { try Mailbox(Array($0.utf8)) })
    }

    static let text = Array("Subject: hello\n\nbody\n".utf8)

    static func submission(
        _ envelope: Envelope, _ edits: [Edit] = [], id: QueueID = id(), length: Int = text.count
    ) -> Submission {
        Submission(id: id, envelope: envelope, edits: edits, messageLength: length)
    }

    static func result(_ code: UInt16, _ text: String = "words") -> DeliveryResult {
        DeliveryResult(
            Reply(code, EnhancedStatus(UInt8(code / 100), 1, 1), text), host: "mx.example.test")
    }
}

/// The bytes of a file of the queue, by its path in it.
extension TestFolder {
    func queueFiles() -> [String] {
        var found: [String] = []
        func walk(_ folder: String) {
            for name in names(in: folder) {
                let path = folder.isEmpty ? name : "\(folder)/\(name)"
                let below = names(in: path)
                if below.isEmpty, isFile(path) { found.append(path) } else { walk(path) }
            }
        }
        walk("queue")
        return found.map { String($0.dropFirst("queue/".count)) }
            .filter { $0 != "trigger" && $0 != "lock" }
    }

    private func isFile(_ path: String) -> Bool {
        (try? read(path)) != nil && !path.hasSuffix("trigger")
    }
}
