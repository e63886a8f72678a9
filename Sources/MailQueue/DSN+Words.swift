// DSN+Words: what a report says to people.
// RFC 3464, section 2.3.3.
// SPDX-License-Identifier: MIT

import MailModel

extension DSN {
    var subject: String {
        switch kind {
        case .failure where isDouble: "Undelivered mail: a message without a sender failed"
        case .failure: "Undelivered mail: returned to sender"
        case .success: "Delivered mail: the report that you asked for"
        case .delay: "Delayed mail: still being tried"
        }
    }

    /// The value of the field `Action`.
    func action(of entry: Entry) -> String {
        switch kind {
        case .failure: "failed"
        case .success: (entry.result?.notice ?? .delivered).rawValue
        case .delay: "delayed"
        }
    }

    /// The first part of the report.
    func explain(in text: inout DSNText) {
        text.line("Content-Type: text/plain; charset=utf-8")
        text.line("Content-Transfer-Encoding: 8bit")
        text.line()
        text.line("This is the mail system at ", host, ".")
        text.line()
        for line in introduction { text.line(line) }
        for entry in entries {
            text.line()
            text.line("<", address(entry.recipient), ">:")
            if let line = DSN.line(on: entry, kind) { text.line("    \(line)") }
            guard let result = entry.result else { continue }
            if let host = result.host { text.line("    \(host) said:") }
            text.line("    \(result.reply)")
        }
        text.line()
    }

    private var introduction: [String] {
        switch kind {
        case .failure where isDouble:
            [
                "A message with the null reverse-path, most likely a report on another message,",
                "could not be delivered to the recipients below. Nobody else is told of it.",
            ]
        case .failure:
            [
                "Your message could not be delivered to the recipients below.",
                "It will not be tried again for them.",
            ]
        case .success: ["You asked to be told what became of your message. This did:"]
        case .delay:
            [
                "Your message could not be delivered to the recipients below yet.",
                "It will be tried until \(MailDate(seconds: lastRetry ?? 0)).",
                "This is a warning only: you need not send it again.",
            ]
        }
    }

    private static func line(on entry: Entry, _ kind: ReportKind) -> String? {
        switch (kind, entry.result?.notice) {
        case (.success, .relayed):
            "It was handed to a host that does not report what becomes of it."
        case (.success, .expanded): "It was passed on to several recipients."
        case (.success, _): "It is in the mailbox."
        case (.delay, _) where entry.result == nil: "It was not tried yet."
        default: nil
        }
    }
}
