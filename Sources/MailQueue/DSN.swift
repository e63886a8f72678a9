// DSN: the report to the reverse-path about recipients that failed.
// RFC 3464; RFC 6522 (multipart/report).
// SPDX-License-Identifier: MIT

import MailModel

/// A delivery status notification, as a whole message.
public struct DSN: Sendable {
    /// How much of the message's header a report returns at most.
    public static let headerLimit = 65_536

    /// The message that is reported on.
    public var message: QueuedMessage
    /// Recipients by number, and why each failed.
    public var failures: [(recipient: Int, result: DeliveryResult)]
    /// The header of the message, or its beginning; LF as line end.
    public var header: [UInt8]
    /// Our own name.
    public var host: [UInt8]
    /// The address of the From field.
    public var from: [UInt8]

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
        var text = Text()
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
        text.line("Content-Type: text/rfc822-headers")
        text.line()
        text.raw(returnedHeader)
        text.line("--\(boundary)--")
        return text.bytes
    }

    private func explain(in text: inout Text) {
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

    private func status(in text: inout Text) {
        text.line("Content-Type: message/delivery-status")
        text.line()
        text.line("Reporting-MTA: dns; ", host)
        text.line("X-Queue-ID: \(message.id)")
        text.line("Arrival-Date: \(MailDate(seconds: Int(clamping: message.arrival / 1_000_000)))")
        for (recipient, result) in failures {
            text.line()
            text.line("Final-Recipient: rfc822; ", address(recipient))
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

    /// The fields up to the empty line, cut at the last whole line within the limit.
    private var returnedHeader: [UInt8] {
        var kept = header.first == 0x0A ? [] : header.prefix(DSN.headerLimit)
        for index in kept.indices.dropFirst() where kept[index] == 0x0A && kept[index - 1] == 0x0A {
            kept = kept[..<index]
            break
        }
        let end = kept.lastIndex(of: 0x0A).map { $0 + 1 } ?? kept.startIndex
        return message.edits.overlay.top + kept[..<end]
    }
}

/// Lines that are put together. Control characters of what came from outside become `?`.
private struct Text {
    private(set) var bytes: [UInt8] = []

    mutating func line(_ start: String = "", _ value: [UInt8] = [], _ end: String = "") {
        bytes += start.utf8
        bytes += value.map { $0.isControl ? 0x3F : $0 }
        bytes += end.utf8
        bytes.append(0x0A)
    }

    mutating func raw(_ value: [UInt8]) { bytes += value }
}
