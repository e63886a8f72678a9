// MaildirUsage: how much is in a Maildir.
// Maildir++, sections "maildirsize" and "Calculating maildirsize".
// SPDX-License-Identifier: MIT

import Control
import MailModel

/// Bytes and messages in a Maildir.
public struct MaildirUsage: Hashable, Sendable {
    /// Bytes of the messages; below zero only where a `maildirsize` says nonsense.
    public var bytes: Int
    /// How many messages.
    public var messages: Int

    /// So much.
    public init(bytes: Int = 0, messages: Int = 0) {
        self.bytes = bytes
        self.messages = messages
    }

    /// What every message takes at least.
    static let least = MaildirUsage(bytes: 1, messages: 1)

    /// The sum; what would overflow is as much as there can be.
    public static func + (one: MaildirUsage, other: MaildirUsage) -> MaildirUsage {
        MaildirUsage(
            bytes: one.bytes.addingClamped(other.bytes),
            messages: one.messages.addingClamped(other.messages))
    }

    /// True when a Maildir is full. The file `maildirsize` says so while it may be believed, else
    /// the sizes in the names of the messages (`,S=`), else the sizes of the files.
    ///
    /// A Maildir with more than 200,000 names that has not reached its quota by then is taken for
    /// one with room: the delivery agent counts it whole, and mends `maildirsize` by that. Refused
    /// here, it never would.
    /// - Throws: `ControlError` when it cannot be looked at. That it is not there yet is no error.
    static func isFull(
        _ maildir: String, _ quota: MailboxQuota, now: Int, _ trail: inout SourceTrail
    ) throws(ControlError) -> Bool {
        if quota.isUnlimited { return false }
        do {
            if let file = try MaildirSizeFile.read(maildir),
                let hasRoom = file.admits(.least, quota, now: now)
            {
                trail.note("\(maildir)/maildirsize: \(file.usage ?? MaildirUsage())")
                return !hasRoom
            }
            var count = MaildirCount(limit: MaildirCount.mostForAnswer, until: quota)
            try count.look(maildir)
            trail.note("\(maildir): \(count.usage)\(count.isCutShort ? " and more" : "")")
            return quota.isReached(by: count.usage)
        } catch {
            throw .unreadable(error)
        }
    }
}

extension MaildirUsage: CustomStringConvertible {
    /// `100 bytes, 2 messages`.
    public var description: String { "\(bytes) bytes, \(messages) messages" }
}

extension Int {
    fileprivate func addingClamped(_ other: Int) -> Int {
        let (sum, overflow) = addingReportingOverflow(other)
        return overflow ? (other < 0 ? .min : .max) : sum
    }
}
