// QuotaWarning: a message to the owner of a mailbox that is nearly full.
// deliver-local(8), section Quotas.
// SPDX-License-Identifier: MIT

import Glibc
import MailModel
import UnixIO

/// The administrator's text, put into the mailbox at most once a day. The file `quotawarn` of the
/// Maildir says when that was, as for deliverquota(8).
struct QuotaWarning {
    /// From so many percent of the quota on.
    static let threshold = 90
    /// The seconds between two warnings.
    static let pause = 86_400

    private let text: [UInt8]
    private let recipient: [UInt8]
    private let now: Int

    init(_ text: [UInt8], to recipient: [UInt8], now: Int) {
        self.text = text
        self.recipient = recipient
        self.now = now
    }

    /// Delivers the warning where it is due. What goes wrong is nobody's loss.
    func deliver(_ ledger: inout MaildirLedger, name: String) {
        guard let percentage = ledger.percentage, percentage >= QuotaWarning.threshold else {
            return
        }
        let maildir = ledger.maildir
        let path = "\(maildir.path)/quotawarn"
        do {
            if let last = try Files.status(path)?.st_mtim.tv_sec,
                last <= now, now - last < QuotaWarning.pause
            {
                return
            }
            // First the mark: rather no warning than one with every message.
            let flags = O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_NONBLOCK
            let mark = try Files.open(path, flags)
            try mark.borrowed.writeAll(Array("\(percentage)\n".utf8), path)
            try mark.close(path)
            var file = try MaildirFile(maildir, name: name)
            try file.write(Array("Return-Path: <>\nDelivered-To: ".utf8) + recipient + [0x0A])
            try file.write(Array("Date: \(date)\nMessage-ID: <\(name)>\n".utf8) + text)
            let count = file.count
            _ = try file.commit()
            ledger.add(count)
        } catch {
            Log(LocalAgent.name).event("warning-failed", ["error": "\(error)"])
        }
    }

    /// RFC 5322, section 3.3.
    private var date: String {
        var time = time_t(now)
        var parts = tm()
        gmtime_r(&time, &parts)
        var text = [CChar](repeating: 0, count: 64)
        strftime(&text, text.count, "%a, %d %b %Y %H:%M:%S +0000", &parts)
        return String(decoding: text.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }
}
