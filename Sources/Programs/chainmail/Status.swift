// Status: which services answer, and how much is in the queue.
// chainmail(1).
// SPDX-License-Identifier: MIT

import ArgumentParser
import Control
import Glibc
import MailModel
import MailQueue
import SystemPackage
import UnixIO

/// `chainmail status`. Exit 69 when something does not answer that should.
struct Status: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show which services answer, and how much is in the queue.")

    /// What listens on a socket of its name in the run folder.
    private static let services = ["queue-message", "deliver-local", "deliver-remote"]

    @OptionGroup var root: RootOption

    func run() throws {
        var isWhole = true
        try reporting {
            let folders = root.folders
            let pid = Status.server(folders)
            isWhole = pid != nil
            try say(Status.line("mail-server", pid.map { "process \($0)" } ?? "not running"))
            for name in Status.steps(folders) + Status.services {
                let answers = Status.answers(folders.socket(name))
                isWhole = isWhole && answers
                try say(Status.line(name, answers ? "answers" : "does not answer"))
            }
            let manages = Status.hasReader("\(folders.spool)/queue/trigger")
            isWhole = isWhole && manages
            try say(Status.line("queue-manager", manages ? "listens" : "does not listen"))
            for (place, count) in try Spool("\(folders.spool)/queue").counts() {
                try say(Status.line("queue \(place)", "\(count)"))
            }
        }
        if !isWhole { throw ExitCode(69) }
    }

    private static func line(_ name: String, _ text: String) -> String {
        name + String(repeating: " ", count: max(1, 28 - name.utf8.count)) + text + "\n"
    }

    /// The process that holds the root; nil when none does.
    private static func server(_ root: Root) -> Int? {
        guard let text = try? Files.contents(of: "\(root.run)/mail-server.lock", limit: 64),
            let pid = text.trimmed.decimalValue,
            let name = try? Files.contents(of: "/proc/\(pid)/comm", limit: 64)
        else { return nil }
        return name.trimmed.elementsEqual("mail-server".utf8) ? pid : nil
    }

    /// The sockets of resident steps.
    private static func steps(_ root: Root) -> [String] {
        let names = (try? Files.names(in: "\(root.run)/filters")) ?? []
        return names.sorted().map { "filters/\($0)" }
    }

    private static func answers(_ socket: String) -> Bool {
        (try? UnixSocket.connect(to: socket, deadline: .after(.seconds(2)))) != nil
    }

    /// True when somebody reads a FIFO.
    private static func hasReader(_ path: String) -> Bool {
        (try? Files.open(path, O_WRONLY | O_NONBLOCK)) != nil
    }
}
