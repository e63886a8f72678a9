// QueueReason: the words that a qmail client takes beside the exit code of its queue.
// filters(7), section REASONS; qmail-queue(8).
// SPDX-License-Identifier: MIT

import Glibc
public import MailModel
import UnixIO

/// Where a reason goes, and with which exit code. The clients do not agree: notqmail reads
/// descriptor 6 with exit 82, others descriptor 4 with 82 or 88, indimail the one that `ERROR_FD`
/// names, else 2, with 88 alone. To a client that reads none, 82 and 88 are temporary whatever the
/// verdict was, so a reason is written only where somebody waits for it: into a pipe.
public struct QueueReason: Sendable {
    /// What a client reads at most, its first byte included.
    public static let limit = 255

    /// The pipe, and its number when this process began; nil where nobody reads.
    private let pipe: (descriptor: Descriptor, number: Int32, exit: FilterExit)?

    /// Looks for the pipe: `ERROR_FD`, 6, 4, and 2 where the process that started us reads it.
    /// `ERROR_FD` that names no pipe, such as -1, means that none is wanted. A pipe at 6 or 4 that
    /// none of our ancestors reads is another's, such as the one to the TLS of a session. From
    /// then on a pipe at descriptor 2 takes nothing but the reason: what else is written there is
    /// lost.
    /// - Parameter reserved: numbers that hold something else in this convention.
    public init(reserved: Set<Int32>) {
        if let words = Environment.bytes("ERROR_FD") {
            let number = words.decimalValue.flatMap(Int32.init(exactly:))
            pipe = QueueReason.pipe([number ?? -1], .reasonOnErrorDescriptor, reserved)
            return
        }
        let candidates: [Int32] = [6, 4].filter { number in
            !reserved.contains(number) && QueueReason.isWritablePipe(number)
                && QueueReader.of(number) != .nobody
        }
        pipe =
            QueueReason.pipe(candidates, .reason, reserved)
            ?? (QueueReason.isReadByParent(2)
                ? QueueReason.pipe([2], .reasonOnErrorDescriptor, reserved) : nil)
    }

    /// Tells the client why, where it takes a reason.
    /// - Returns: the exit code of the verdict: 82 or 88 when the reason was taken, else 31 or 71;
    ///   0 for accept and discard.
    public func exit(of verdict: Verdict) -> FilterExit {
        guard let reply = verdict.reply else { return .accept }
        let isPermanent = verdict.word == "reject"
        if let pipe, QueueReason.write(QueueReason.line(reply, isPermanent), to: pipe.descriptor) {
            return pipe.exit
        }
        return isPermanent ? .reject : .defer
    }

    /// Gives descriptor 2 back to whoever takes this process's place.
    public func giveBack() {
        guard let pipe, pipe.number == 2 else { return }
        _ = dup2(pipe.descriptor.rawValue, 2)
    }

    /// `D` or `Z`, the text, and the status as qmail writes it: one line of printable ASCII
    /// without its end. The client passes it on as it is.
    static func line(_ reply: Reply, _ isPermanent: Bool) -> [UInt8] {
        let status = Array(" (#\(reply.status))".utf8)
        let text = reply.text.utf8.prefix(limit - 1 - status.count)
        let letter: UInt8 = isPermanent ? 0x44 : 0x5A
        return [letter] + text.map { (0x20..<0x7F).contains($0) ? $0 : 0x3F } + status
    }

    private static func pipe(
        _ numbers: [Int32], _ exit: FilterExit, _ reserved: Set<Int32>
    ) -> (descriptor: Descriptor, number: Int32, exit: FilterExit)? {
        let number = numbers.first { !reserved.contains($0) && isWritablePipe($0) }
        guard let number, number != 2 else { return number == 2 ? takeStandardError(exit) : nil }
        return (Descriptor(rawValue: number), number, exit)
    }

    /// Puts the pipe at 2 elsewhere, close-on-exec, and nothing in its place.
    private static func takeStandardError(
        _ exit: FilterExit
    ) -> (descriptor: Descriptor, number: Int32, exit: FilterExit)? {
        guard let copy = try? OwnedDescriptor.duplicate(of: 2),
            let nothing = try? Files.open("/dev/null", O_WRONLY), dup2(nothing.number, 2) == 2
        else { return nil }
        return (Descriptor(rawValue: copy.take()), 2, exit)
    }

    /// Never a file, which may be the new envelope of qmail-qfilter, and never a terminal.
    private static func isWritablePipe(_ number: Int32) -> Bool {
        let flags = fcntl(number, F_GETFL)
        guard flags >= 0, flags & O_ACCMODE != O_RDONLY else { return false }
        var status = stat()
        return fstat(number, &status) == 0 && status.st_mode & S_IFMT == S_IFIFO
    }

    /// Descriptor 2 is a pipe in most logs too. There the process that started us writes to it, as
    /// we do; one that waits for our words holds its other end.
    private static func isReadByParent(_ number: Int32) -> Bool {
        isWritablePipe(number) && QueueReader.of(number, generations: 1) == .ancestor
    }

    /// Writes without waiting: a pipe with no room is one that nobody reads.
    private static func write(_ line: [UInt8], to pipe: Descriptor) -> Bool {
        Signals.ignoreBrokenPipes()
        let isReady = try? pipe.wait(.toWrite, until: .after(.zero), "reason")
        return isReady == true && (try? pipe.writeAll(line, "reason")) != nil
    }
}
