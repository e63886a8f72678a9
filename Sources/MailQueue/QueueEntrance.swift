// QueueEntrance: one message from descriptors 0 and 1 into the queue.
// qmail-queue(8).
// SPDX-License-Identifier: MIT

import Glibc
import MailModel
import UnixIO

/// What stands between a caller of qmail-queue and the queue: the resident service, else the spool
/// itself when it is ours.
public struct QueueEntrance {
    /// Messages up to this size stay in memory until they are committed.
    public static let inMemory = 256 << 10
    /// The most bytes that an envelope may have.
    public static let envelopeLimit = 16 << 20

    private let client: QueueClient
    private let spoolPath: String
    private let timeLimit: Duration

    /// An entrance to the queue below `spoolPath`, whose service listens at `socket` and must
    /// answer within `timeLimit`.
    public init(socket: String, spoolPath: String, timeLimit: Duration) {
        client = QueueClient(socket: socket)
        self.spoolPath = spoolPath
        self.timeLimit = timeLimit
    }

    /// Reads all of the message, then all of the envelope, and queues.
    /// - Returns: the exit code. A message without recipients is accepted and nothing is kept.
    public func pass(message: Descriptor, envelope: Descriptor) -> FilterExit {
        do throws(QueueError) {
            let body = try read(message)
            let envelope = try QueueEntrance.readEnvelope(envelope).withOptionsOfEnvironment
            guard !envelope.recipients.isEmpty else { return .accept }
            switch try commit(body, envelope) {
            case .queued: return .accept
            case .refused(_, let exit): return exit
            }
        } catch {
            if case .refused(_, let exit) = error.outcome { return exit }
            return .internalBug
        }
    }

    /// A message that was read to its end, in memory or in a nameless file of the queue.
    private struct Body: ~Copyable {
        let file: OwnedDescriptor
        let length: Int
        let isInMemory: Bool
    }

    private func read(_ source: Descriptor) throws(QueueError) -> Body {
        let limit = QueueEntrance.inMemory
        var chunk = try QueueEntrance.chunk(of: source, atMost: limit + 1)
        let isInMemory = chunk.count <= limit
        let file = isInMemory ? try QueueEntrance.memoryFile() : try openFile()
        var length = 0
        while !chunk.isEmpty {
            do throws(SystemError) {
                try file.borrowed.writeAll(chunk, at: length, "message")
            } catch {
                throw .system(error)
            }
            length += chunk.count
            chunk = isInMemory ? [] : try QueueEntrance.chunk(of: source, atMost: limit)
        }
        return Body(file: file, length: length, isInMemory: isInMemory)
    }

    private func openFile() throws(QueueError) -> OwnedDescriptor {
        do throws(QueueError) {
            return try client.open(deadline: .after(timeLimit)).onlyWriting()
        } catch {
            return try ownSpool(inPlaceOf: error).nameless().onlyWriting()
        }
    }

    private func commit(
        _ body: borrowing Body, _ envelope: Envelope
    ) throws(QueueError) -> QueueOutcome {
        let session = SessionID(microseconds: WallClock.microseconds, random: Random.bits)
        let submission = Submission(
            id: session.message(1), envelope: envelope,
            edits: QueueEntrance.traceField.map { [.prepend($0)] } ?? [],
            facts: QueueEntrance.facts(session), messageLength: body.length,
            isCopied: body.isInMemory)
        do throws(QueueError) {
            return try client.submit(submission, body.file.borrowed, deadline: .after(timeLimit))
        } catch {
            let spool = try ownSpool(inPlaceOf: error)
            try spool.accept(
                submission, body.file.borrowed, submitter: "\(getpid()) \(getuid())",
                now: WallClock.microseconds)
            spool.pullTrigger(submission.id)
            return .queued(submission.id)
        }
    }

    /// The spool, when nobody listens and this process's user owns it.
    /// - Throws: the error itself when it is another one; else `.unavailable`, or why the spool
    ///   cannot be opened.
    private func ownSpool(inPlaceOf error: QueueError) throws(QueueError) -> Spool {
        guard case .unavailable = error else { throw error }
        let path = "\(spoolPath)/queue"
        // The folder around it may be root's, who lets others have folders beside the queue.
        let found = [path, spoolPath].lazy.compactMap { try? Files.status($0) }.first
        guard let found, found.st_uid == geteuid() else { throw error }
        // The trigger is made last: with it, all is there.
        let isMade = (try? Files.status("\(path)/trigger")).flatMap(\.self) != nil
        return try Spool(path, makes: !isMade)
    }
}

extension QueueEntrance {
    private static let cannotRead = QueueError.refused(
        QueueRefusal.cannotRead.reply, .cannotRead)

    /// `Received: (chainmail PID invoked by uid UID); DATE`, as qmail-queue adds one.
    public static var traceField: HeaderField? {
        let date = MailDate(seconds: WallClock.seconds)
        return HeaderField(
            "Received", "(chainmail \(getpid()) invoked by uid \(getuid())); \(date)")
    }

    private static func facts(_ session: SessionID) -> Facts {
        var facts = Facts()
        facts[.session] = Array(session.description.utf8)
        return facts
    }

    private static func memoryFile() throws(QueueError) -> OwnedDescriptor {
        do throws(SystemError) { return try Files.inMemory("message") } catch {
            throw .system(error)
        }
    }

    /// The next bytes, fewer than asked for only at the end.
    private static func chunk(
        of source: Descriptor, atMost limit: Int
    ) throws(QueueError) -> [UInt8] {
        var isBroken = false
        let bytes = [UInt8](unsafeUninitializedCapacity: limit) { buffer, filled in
            while filled < limit {
                let rest = UnsafeMutableRawBufferPointer(
                    rebasing: UnsafeMutableRawBufferPointer(buffer)[filled...])
                guard let got = try? source.readSome(into: rest, "message") else {
                    isBroken = true
                    return
                }
                if got == 0 { return }
                filled += got
            }
        }
        guard !isBroken else { throw cannotRead }
        return bytes
    }

    /// Reads an envelope to its end and judges its form.
    static func readEnvelope(_ source: Descriptor) throws(QueueError) -> Envelope {
        guard let bytes = try? source.readToEnd("envelope", limit: envelopeLimit) else {
            throw cannotRead
        }
        do throws(EnvelopeError) {
            return try Envelope(queueFormat: bytes)
        } catch {
            switch error {
            case .cutShort: throw cannotRead
            case .malformed:
                throw .refused(
                    Reply(451, EnhancedStatus(4, 3, 0), "The envelope is malformed"),
                    .malformedEnvelope)
            case .addressTooLong:
                throw .refused(
                    Reply(553, EnhancedStatus(5, 1, 3), "An address is too long"),
                    .addressTooLong)
            }
        }
    }
}
