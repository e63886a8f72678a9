// ProgramCall: a program that a user's instructions give his mail to.
// qmail-command(8); deliver-local(8), section PROGRAMS.
// SPDX-License-Identifier: MIT

import Glibc
import MailModel
import UnixIO

/// A copy of a message with its edits made, to be a program's standard input.
final class MessageCopy {
    /// Messages up to this size are copied in memory.
    private static let inMemory = 1 << 20
    private let file: OwnedDescriptor

    /// Copies the message.
    init(_ request: DeliveryRequest, _ source: Descriptor) throws(SystemError) {
        file =
            request.messageLength <= MessageCopy.inMemory
            ? try Files.inMemory("message") : try Files.nameless(in: "/tmp")
        var reader = MessageReader(request, source)
        while let piece = try reader.next() {
            try file.borrowed.writeAll(piece, "copy of the message")
        }
    }

    /// The copy, at its beginning and with an offset of its own.
    func opened() throws(SystemError) -> OwnedDescriptor { try file.reopenedForReading() }
}

/// One command of a dot-qmail file. It is the user's own line and all that the shell sees; what
/// the message says is in the environment and on descriptor 0.
struct ProgramCall {
    /// How much of what it prints is kept.
    private static let kept = 4096
    /// With more output than this it is killed.
    private static let outputLimit = 1 << 20

    let command: String
    let home: String
    let environment: [String]
    let deadline: Deadline

    /// Where what comes from descriptor 1 is written, and how much it may be; nil where it is kept
    /// with the rest. The program has a pipe: that a disk is full we see, whatever it makes of it.
    var result: (file: Descriptor, limit: Int)?

    /// How it ended.
    struct End {
        let reply: Reply
        /// True when no line after this one counts.
        var stops = false
        /// What it printed, on one line.
        var output = ""
    }

    /// Runs it. It leads a process group of its own, which is killed when its time is over or it
    /// prints too much.
    func run(_ message: MessageCopy) throws(SystemError) -> End {
        let input = try message.opened()
        var ends: [Int32] = [-1, -1]
        _ = try retrying("pipe", "output") { pipe(&ends) }
        let reading = OwnedDescriptor(ends[0])
        let writing = OwnedDescriptor(ends[1])
        _ = try retrying("pipe", "result") { pipe(&ends) }
        let readingResult = OwnedDescriptor(ends[0])
        let writingResult = OwnedDescriptor(ends[1])
        var shell = Command("/bin/sh", ["-c", command], environment: environment)
        shell.descriptors = [
            0: input.number, 1: result == nil ? writing.number : writingResult.number,
            2: writing.number,
        ]
        shell.folder = home.isEmpty ? "/" : home
        shell.hasOwnGroup = true
        shell.deathSignal = SIGKILL
        let child = try Child(shell)
        try writing.close("output")
        try writingResult.close("result")
        var output: [UInt8] = []
        let isWhole: Bool
        do throws(SystemError) {
            isWhole = try read(
                reading.borrowed, readingResult.borrowed, of: child.pid, into: &output)
        } catch {
            _ = try child.waitOrKill(.after(.zero))
            throw error
        }
        let end = try child.waitOrKill(isWhole ? deadline : .after(.zero))
        withExtendedLifetime(reading) {}
        withExtendedLifetime(readingResult) {}
        withExtendedLifetime(input) {}
        return ProgramCall.judge(isWhole ? end : nil, ProgramCall.line(output))
    }

    /// Reads until nobody has the other ends any more, or the program has ended and whoever else has
    /// that of its output is silent. Its result is whole only when nobody can add to it.
    /// - Returns: false when the time was over or there was too much.
    private func read(
        _ said: Descriptor, _ printed: Descriptor, of pid: pid_t, into kept: inout [UInt8]
    ) throws(SystemError) -> Bool {
        var chunk = [UInt8](repeating: 0, count: 65_536)
        var counts = (said: 0, printed: 0)
        var ends = [said, printed].map {
            pollfd(fd: $0.rawValue, events: Int16(POLLIN), revents: 0)
        }
        while ends.contains(where: { $0.fd >= 0 }) {
            let moment = min(deadline, .after(.seconds(1)))
            let ready = try retrying("poll", "output") { poll(&ends, 2, moment.pollTimeout) }
            if ready == 0, ends[1].fd < 0, ProgramCall.hasEnded(pid) { return true }
            // Also for one that never stops to print a little.
            guard !deadline.hasPassed else { return false }
            if ends[0].revents != 0 {
                let got = try ProgramCall.read(said, &chunk)
                if got == 0 { ends[0].fd = -1 }
                counts.said += got
                kept += chunk.prefix(min(got, ProgramCall.kept - kept.count))
            }
            if ends[1].revents != 0 {
                let got = try ProgramCall.read(printed, &chunk)
                if got == 0 { ends[1].fd = -1 }
                counts.printed += got
                if let result, counts.printed <= result.limit {
                    try result.file.writeAll(Array(chunk[..<got]), "result")
                }
            }
            guard counts.said <= ProgramCall.outputLimit, counts.printed <= result?.limit ?? 0
            else { return false }
        }
        return true
    }

    /// True for a child that has ended; it is not reaped.
    private static func hasEnded(_ pid: pid_t) -> Bool {
        var status = siginfo_t()
        let result = waitid(P_PID, id_t(pid), &status, WEXITED | WNOHANG | WNOWAIT)
        return result == 0 && status.si_signo == SIGCHLD
    }

    private static func read(
        _ pipe: Descriptor, _ chunk: inout [UInt8]
    ) throws(SystemError) -> Int {
        try retrying("read", "output") { Glibc.read(pipe.rawValue, &chunk, chunk.count) }
    }

    /// The table of exit codes: qmail-command(8).
    private static func judge(_ end: Termination?, _ output: String) -> End {
        switch end {
        case .exited(0): return End(reply: done, output: output)
        case .exited(99): return End(reply: done, stops: true, output: output)
        case .exited(100), .exited(64), .exited(65), .exited(70), .exited(76), .exited(77),
            .exited(78), .exited(112):
            let text = output.isEmpty ? "The program of this mailbox does not take it." : output
            return End(reply: Reply(554, status(in: text, 5), text), output: output)
        case .exited:
            let text = output.isEmpty ? "The program of this mailbox asks for another try." : output
            return End(reply: Reply(451, status(in: text, 4), text), output: output)
        case .killed:
            return End(
                reply: Reply(451, EnhancedStatus(4, 3, 0), "Aack, child crashed."), output: output)
        case nil:
            return End(
                reply: Reply(
                    451, EnhancedStatus(4, 3, 0),
                    "The program of this mailbox took too long, or said too much."), output: output)
        }
    }

    private static let done = Reply(250, EnhancedStatus(2, 1, 5), "delivered")

    /// The status that a text ends in as qmail's texts do, `(#5.7.1)`; else one without a subject.
    private static func status(in text: String, _ statusClass: UInt8) -> EnhancedStatus {
        let bytes = Array(text.utf8)
        if let mark = bytes.lastIndex(of: 0x23) {
            let word = bytes[(mark + 1)...].prefix { $0.isASCIIDigit || $0 == 0x2E }
            if let status = EnhancedStatus(word), status.statusClass == statusClass {
                return status
            }
        }
        return EnhancedStatus(statusClass, 0, 0)
    }

    /// The output on one line of at most 300 bytes.
    private static func line(_ output: [UInt8]) -> String {
        let lines = output.split { $0 == 0x0A || $0 == 0x0D }.map { Array($0.trimmed) }
        let text = Array(lines.filter { !$0.isEmpty }.joined(separator: [0x20]))
        return text.prefix(300).printable
    }
}
