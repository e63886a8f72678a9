import Foundation
import Glibc
import TestSupport

/// Sends numbered messages until it is told to stop, whatever happens to the server, and
/// remembers which of them were accepted.
final class Load: @unchecked Sendable {
    private static let senders = 2
    private let lock = NSLock()
    private var accepted: [String] = []
    private var isOver = false
    private var ended = 0

    init(port: UInt16, name: String) {
        for sender in 0..<Load.senders {
            Thread.detachNewThread { [self] in
                var number = 0
                while !lock.withLock({ isOver }) {
                    number += 1
                    let subject = "\(name)-\(sender)-\(number)-end"
                    if (try? Load.send(subject, port))?.hasPrefix("250 ") == true {
                        lock.withLock { accepted.append(subject) }
                    } else {
                        usleep(20_000)
                    }
                }
                lock.withLock { ended += 1 }
            }
        }
    }

    private static func send(_ subject: String, _ port: UInt16) throws -> String {
        let client = try SMTPConversation(port: port, limit: .seconds(30))
        try client.say("EHLO client.example.test")
        return try client.send(
            from: "load@pass.test", to: ["alice@example.test"], "Subject: \(subject)\n\nx\n")
    }

    /// How many messages were accepted so far.
    var count: Int { lock.withLock { accepted.count } }

    /// Waits until so many more are accepted.
    func goesOn(by more: Int = 5) -> Bool {
        let start = count
        return eventually(within: .seconds(60)) { count >= start + more }
    }

    /// Stops, and says what was accepted.
    func end() -> [String] {
        lock.withLock { isOver = true }
        _ = eventually(within: .seconds(60)) { lock.withLock { ended == Load.senders } }
        return lock.withLock { accepted }
    }
}

extension TestServer {
    /// The subjects in a mailbox.
    func subjects(of mailbox: String) -> Set<String> {
        let lines = messages(of: mailbox).compactMap { message in
            String(decoding: message, as: UTF8.self).split(separator: "\n")
                .first { $0.hasPrefix("Subject: ") }
        }
        return Set(lines.map { String($0.dropFirst("Subject: ".count)) })
    }

    /// Waits until all of these have arrived. What was deferred while an agent was away, or was
    /// accepted by a process that was killed before it could tell the manager, would come by
    /// itself, but in minutes: everything is made due now.
    /// - Returns: those that have not.
    func lacks(_ accepted: [String]) -> Set<String> {
        var missing = Set(accepted)
        _ = eventually(within: .seconds(60)) {
            missing.subtract(subjects(of: "alice"))
            guard !missing.isEmpty else { return true }
            usleep(500_000)
            for manager in processes("queue-manager") { kill(manager, SIGALRM) }
            return false
        }
        return missing
    }
}
