// LocalDelivery: one message into one mailbox.
// deliver-local(8).
// SPDX-License-Identifier: MIT

import Glibc
import MailModel
import Recipients
import SystemPackage
import UnixIO

/// One message for one mailbox.
struct LocalDelivery {
    let request: DeliveryRequest
    let recipient: Mailbox
    let file: Descriptor
    /// What Delivered-To says; the recipient as it is in the envelope where it is nil.
    var address: [UInt8]?
    var settings = StoreSettings()
    /// True where it is known already that the message was not here before.
    var isLoopChecked = false
    /// What the log says besides the reply.
    var evidence: [(key: String, value: String?)] = []

    private enum Failure: Error {
        case looping
        case full
        case tooLarge
        case reading(SystemError)
        case writing(SystemError)
    }

    /// Delivers into a Maildir and says how it went. A quota that is nil is the one that
    /// `maildirsize` has, if any.
    mutating func run(_ maildir: Maildir, name: String, quota: MailboxQuota? = nil) -> Reply {
        attempt { (delivery) throws(Failure) in try delivery.write(maildir, name, quota) }
    }

    /// Delivers to the end of an mbox file and says how it went.
    mutating func run(
        mbox path: String, patience: Duration = MboxFile.patience
    ) -> Reply {
        attempt { (delivery) throws(Failure) in try delivery.append(path, patience) }
    }

    private mutating func attempt(
        _ body: (inout LocalDelivery) throws(Failure) -> String
    ) -> Reply {
        do throws(Failure) {
            let place = try body(&self)
            evidence.append(("file", place))
            return Reply(250, EnhancedStatus(2, 1, 5), "delivered")
        } catch {
            switch error {
            case .looping: return LocalTrouble.looping
            case .tooLarge: return LocalTrouble.tooLarge
            case .full: return LocalTrouble.full(settings.overQuota)
            case .reading(let error):
                evidence.append(("error", "\(error)"))
                return LocalTrouble.unreadable
            case .writing(let error):
                evidence.append(("error", "\(error)"))
                return LocalTrouble.reply(writing: error)
            }
        }
    }

    /// The name of the file in `new`.
    private mutating func write(
        _ maildir: Maildir, _ name: String, _ quota: MailboxQuota?
    ) throws(Failure) -> String {
        let message = message
        let now = WallClock.seconds
        var ledger = try LocalDelivery.writing { () throws(SystemError) in
            try MaildirLedger.open(maildir, quota, name: name, now: now)
        }
        let size = try look(message, atAll: ledger.isLimited)
        if ledger.isLimited {
            guard ledger.couldEverHold(size) else { throw .tooLarge }
            let hasRoom = try LocalDelivery.writing { () throws(SystemError) in
                try ledger.admits(size)
            }
            guard hasRoom else { throw .full }
        }
        var output = try LocalDelivery.writing { () throws(SystemError) in
            try MaildirFile(maildir, name: name)
        }
        try copy(message, to: &output)
        let count = output.count
        let place: String
        do { place = try output.commit() } catch { throw .writing(error) }
        // The message is delivered: whatever goes wrong from here on is not its failure.
        ledger.add(count)
        if let text = settings.quotaWarning {
            QuotaWarning(text, to: address ?? recipient.bytes, now: now)
                .deliver(&ledger, name: "\(name)w")
        }
        evidence += ledger.evidence
        maildir.removeAbandoned(now: now)
        return place
    }

    /// The path of the file.
    private mutating func append(_ path: String, _ patience: Duration) throws(Failure) -> String {
        let message = message
        _ = try look(message, atAll: false)
        let from = MboxFile.fromLine(request.envelope.reversePath, seconds: WallClock.seconds)
        var output = try LocalDelivery.writing { () throws(SystemError) in
            try MboxFile.open(path, fromLine: from, deadline: .after(patience))
        }
        if output.lacksLockFile { evidence.append(("lock-file", "not permitted")) }
        try copy(message, to: &output)
        do { return try output.commit() } catch { throw .writing(error) }
    }

    /// The message with the fields that the final delivery puts on top.
    private var message: MessageReader {
        let mark = Array("Delivered-To: ".utf8) + (address ?? recipient.bytes)
        let top = Array("Return-Path: <".utf8) + request.envelope.reversePath.bytes + [0x3E, 0x0A]
        // Only the host of the final delivery writes Return-Path: RFC 5321, section 4.4.
        return MessageReader(
            request, file, top: top + mark + [0x0A], searching: isLoopChecked ? nil : mark,
            removing: ["return-path"])
    }

    /// Reads a message as far as its header, or all of it.
    /// - Returns: its size when it is to be read whole.
    /// - Throws: `.looping` when it was here before.
    private func look(_ message: MessageReader, atAll isWhole: Bool) throws(Failure) -> Int {
        var message = message
        var size = 0
        while isWhole || !message.hasPassedHeader, let piece = try LocalDelivery.next(of: &message)
        {
            guard !message.hasFoundLine else { throw .looping }
            size += piece.count
        }
        guard !message.hasFoundLine else { throw .looping }
        return size
    }

    private func copy<Store: MailStore & ~Copyable>(
        _ message: MessageReader, to output: inout Store
    ) throws(Failure) {
        var message = message
        while let piece = try LocalDelivery.next(of: &message) {
            do throws(SystemError) { try output.write(piece) } catch { throw .writing(error) }
        }
    }

    private static func writing<Result: ~Copyable>(
        _ body: () throws(SystemError) -> Result
    ) throws(Failure) -> Result {
        do throws(SystemError) { return try body() } catch { throw .writing(error) }
    }

    private static func next(of message: inout MessageReader) throws(Failure) -> [UInt8]? {
        do {
            return try message.next()
        } catch {
            throw .reading(error)
        }
    }
}
