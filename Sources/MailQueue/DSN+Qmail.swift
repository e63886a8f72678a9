// DSN+Qmail: a failure in the words of qmail-send, for readers of its bounces.
// QSBMF, the qmail-send bounce message format; qmail-send(8).
// SPDX-License-Identifier: MIT

import MailModel

extension DSN {
    /// The report as qmail-send would have written it.
    func qmailBytes(id: QueueID, now: Int) -> [UInt8] {
        var text = DSNText()
        text.line("Date: \(MailDate(seconds: now))")
        text.line("Message-ID: <\(id)@", host, ">")
        text.line("From: ", settings.from)
        text.line("To: ", path.recipient.quoted)
        text.line("Subject: failure notice")
        text.line()
        text.line("Hi. This is the qmail-send program at ", settings.host, ".")
        for line in isDouble ? DSN.doubleIntroduction : DSN.introduction { text.line(line) }
        text.line()
        for entry in entries {
            text.line("<", address(entry.recipient), ">:")
            for line in DSN.qmailLines(of: entry.result) { text.line(line) }
            text.line()
        }
        let what = isDouble ? "the original bounce" : "a copy of the message"
        text.line("--- Below this line is \(what).")
        text.line()
        let reversePath = message.envelope.reversePath.withoutMark.mailbox?.quoted ?? []
        text.line("Return-Path: <", reversePath, ">")
        text.raw(returned)
        return text.bytes
    }

    private static let introduction = [
        "I'm afraid I wasn't able to deliver your message to the following addresses.",
        "This is a permanent error; I've given up. Sorry it didn't work out.",
    ]
    private static let doubleIntroduction = [
        "I tried to deliver a bounce message to this address, but the bounce bounced!"
    ]

    /// As qmail-remote and qmail-local say it: what a host said, or the text with its status.
    private static func qmailLines(of result: DeliveryResult?) -> [String] {
        guard let result else { return [] }
        guard let host = result.host else {
            return ["\(result.reply.text) (#\(result.reply.status))"]
        }
        return ["Remote host said: \(result.reply)", "Giving up on \(host)."]
    }
}
