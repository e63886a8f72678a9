// DSN: the report to the reverse-path about recipients that failed.
// RFC 3464; RFC 6522 (multipart/report); RFC 3461, section 6; RFC 6533.
// SPDX-License-Identifier: MIT

import MailModel

/// A delivery status notification, as a whole message.
public struct DSN: Sendable {
    /// How much of the message's header a report returns at most.
    public static let headerLimit = 65_536
    /// The longest message that a report returns as a whole, where its sender wants that.
    public static let messageLimit = 262_144

    /// The message that is reported on.
    public var message: QueuedMessage
    /// Recipients by number, and why each failed.
    public var failures: [(recipient: Int, result: DeliveryResult)]
    /// The header of the message or its beginning, or all of it when `isWhole`; LF as line end.
    public var header: [UInt8]
    /// Our own name.
    public var host: [UInt8]
    /// The address of the From field.
    public var from: [UInt8]
    /// True when the report returns the whole message.
    public var isWhole = false

    /// The report's id: the same whenever it is made anew, since it follows from the message's id
    /// and from how many reports were made before.
    public static func id(for message: QueueID, number: Int) -> QueueID {
        // FNV-1a, so that equal ids in are equal ids out on every host and in every version.
        let bytes = Array("\(message) report \(number)".utf8)
        let hash = bytes.reduce(UInt64(0xCBF2_9CE4_8422_2325)) {
            ($0 ^ UInt64($1)) &* 0x100_0000_01B3
        }
        return SessionID(microseconds: message.microseconds, random: hash).message(1)
    }

    /// The report as a message; `id` is its own, `now` is in seconds since 1970.
    public func bytes(id: QueueID, to recipient: Mailbox, now: Int) -> [UInt8] {
        let boundary = "=_\(id)"
        var text = DSNText()
        text.line("From: Mail Delivery System <", from, ">")
        text.line("To: <", recipient.bytes, ">")
        text.line("Subject: Undelivered mail: returned to sender")
        text.line("Date: \(MailDate(seconds: now))")
        text.line("Message-ID: <\(id)@", host, ">")
        text.line("Auto-Submitted: auto-replied")
        text.line("MIME-Version: 1.0")
        text.line("Content-Type: multipart/report; report-type=delivery-status;")
        text.line("\tboundary=\"\(boundary)\"")
        text.line()
        text.line("--\(boundary)")
        explain(in: &text)
        text.line("--\(boundary)")
        status(in: &text)
        text.line("--\(boundary)")
        giveBack(in: &text)
        text.line("--\(boundary)--")
        return text.bytes
    }

    private func explain(in text: inout DSNText) {
        text.line("Content-Type: text/plain; charset=utf-8")
        text.line("Content-Transfer-Encoding: 8bit")
        text.line()
        text.line("This is the mail system at ", host, ".")
        text.line()
        text.line("Your message could not be delivered to the recipients below.")
        text.line("It will not be tried again for them.")
        for (recipient, result) in failures {
            text.line()
            text.line("<", address(recipient), ">:")
            if let host = result.host { text.line("    \(host) said:") }
            text.line("    \(result.reply)")
        }
        text.line()
    }

    private func status(in text: inout DSNText) {
        text.line("Content-Type: message/delivery-status")
        text.line()
        if let envid = message.envelope.options.envid {
            text.line("Original-Envelope-Id: ", envid.decoded)
        }
        text.line("Reporting-MTA: dns; ", host)
        text.line("X-Queue-ID: \(message.id)")
        text.line("Arrival-Date: \(MailDate(seconds: Int(clamping: message.arrival / 1_000_000)))")
        for (recipient, result) in failures {
            text.line()
            if let original = message.envelope.options(ofRecipient: recipient).orcpt {
                text.line("Original-Recipient: ", DSN.field(of: original))
            }
            text.line("Final-Recipient: ", DSN.field(of: address(recipient)))
            text.line("Action: failed")
            text.line("Status: \(result.reply.status)")
            if let host = result.host { text.line("Remote-MTA: dns; \(host)") }
            let kind = result.host == nil ? "X-Chainmail" : "smtp"
            text.line("Diagnostic-Code: \(kind); \(result.reply)")
        }
        text.line()
    }

    private func address(_ recipient: Int) -> [UInt8] {
        let recipients = message.envelope.recipients
        return recipients.indices.contains(recipient) ? recipients[recipient].bytes : []
    }
}

/// Lines that are put together. Control characters of what came from outside become `?`.
struct DSNText {
    private(set) var bytes: [UInt8] = []

    mutating func line(_ start: String = "", _ value: [UInt8] = [], _ end: String = "") {
        bytes += start.utf8
        bytes += value.map { $0.isControl ? 0x3F : $0 }
        bytes += end.utf8
        bytes.append(0x0A)
    }

    mutating func raw(_ value: [UInt8]) { bytes += value }
}
