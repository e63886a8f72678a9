// ProgramEnvironment: the words that a program of a dot-qmail file knows a message by.
// qmail-command(8).
// SPDX-License-Identifier: MIT

import Glibc
import MailModel
import Recipients

/// The variables of one program. There is no other but PATH: nothing of the server's goes to it.
struct ProgramEnvironment {
    private var words: [(name: String, value: [UInt8])]
    private let sender: ReversePath

    /// The words of a delivery. `rest` is what of the extension a file for all others stands for.
    init(
        _ destination: LocalDestination, mailbox: Mailbox, sender: ReversePath,
        newSender: ReversePath, rest: [UInt8]?, more: [InstructionLine.Variable] = []
    ) {
        self.sender = sender
        let (local, host, ext) = (destination.local, destination.host, destination.ext)
        words = [
            ("SENDER", sender.bytes), ("NEWSENDER", newSender.bytes),
            ("RECIPIENT", mailbox.bytes), ("USER", destination.user),
            ("HOME", Array(destination.home.utf8)), ("HOST", host), ("LOCAL", local), ("EXT", ext),
            ("DTLINE", Array("Delivered-To: ".utf8) + mailbox.bytes + [0x0A]),
            ("RPLINE", Array("Return-Path: <".utf8) + sender.bytes + [0x3E, 0x0A]),
        ]
        var (shorter, later) = (host, ext)
        for number in 2...4 {
            shorter = shorter.lastIndex(of: 0x2E).map { Array(shorter[..<$0]) } ?? shorter
            later = later.firstIndex(of: 0x2D).map { Array(later[($0 + 1)...]) } ?? []
            words.append(("HOST\(number)", shorter))
            words.append(("EXT\(number)", later))
        }
        if let rest { words.append(("DEFAULT", rest)) }
        words += more.map { ($0.name, $0.value) }
    }

    /// `NAME=VALUE`, at a moment in seconds since 1970; nil when a value cannot be in a variable:
    /// it is no UTF-8.
    func variables(now: Int) -> [String]? {
        var variables = ["PATH=/usr/local/bin:/usr/bin:/bin"]
        for (name, value) in words + [("UFLINE", fromLine(now))] {
            guard let text = String(validating: value, as: UTF8.self), !value.contains(0) else {
                return nil
            }
            variables.append("\(name)=\(text)")
        }
        return variables
    }

    /// `From sender Thu Nov 26 22:08:34 2026`: the line that begins a message of an mbox.
    private func fromLine(_ now: Int) -> [UInt8] {
        let bytes = sender.bytes.map { $0.isBlank || $0 == 0x0A ? 0x2D : $0 }
        let name = bytes.isEmpty ? Array("MAILER-DAEMON".utf8) : bytes
        return Array("From ".utf8) + name + [0x20] + Array(ProgramEnvironment.date(now).utf8)
            + [0x0A]
    }

    /// The date as ctime(3) prints it, in UTC.
    private static func date(_ now: Int) -> String {
        var (seconds, parts) = (time_t(now), tm())
        guard gmtime_r(&seconds, &parts) != nil else { return "Thu Jan 01 00:00:00 1970" }
        let days = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
        let months = [
            "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
        ]
        let two = { (number: Int32) in number < 10 ? "0\(number)" : "\(number)" }
        let day = days[Int(parts.tm_wday) % 7]
        let month = months[Int(parts.tm_mon) % 12]
        let clock = [parts.tm_hour, parts.tm_min, parts.tm_sec].map(two).joined(separator: ":")
        return "\(day) \(month) \(two(parts.tm_mday)) \(clock) \(parts.tm_year + 1900)"
    }
}
