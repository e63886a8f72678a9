// VirtualUsers+Vmailmgr: what vdeliver would do.
// deliver-local(8), section Virtual users; vdeliver(1).
// SPDX-License-Identifier: MIT

import Control
import Glibc
import MailModel

extension VirtualUsers {
    /// The answer for the words after the program's name.
    func vmailmgr(_ words: [[UInt8]]) throws(InstructionFault) -> VirtualAnswer {
        let options = Set(words.map { String(decoding: $0, as: UTF8.self) })
        guard options.isSubset(of: VirtualUsers.options) else {
            return .notOurs("an option of vdeliver that only vdeliver knows")
        }
        guard try isTable("passwd.cdb") else {
            return .notOurs("\(home): no passwd.cdb: vmailmgr keeps users elsewhere, as in GDBM")
        }
        let domain = VmailmgrDomain(home, settings)
        let found = try InstructionFault.looking { () throws(ControlError) in
            var trail = SourceTrail(isWanted: false)
            return try domain.find(name, &trail)
        }
        guard let (user, record) = found else {
            let text = "Sorry, no mailbox here by that name."
            let fault = InstructionFault(
                Reply(550, EnhancedStatus(5, 1, 1), text),
                "\(domain.path): no user \(name.printable)")
            return .lines([InstructionLine(fault)])
        }
        return .lines(try lines(of: user, record, options))
    }

    /// What only says less, or what is always so: Return-Path and Delivered-To are written.
    private static let options: Set<String> = [
        "-D", "-R", "-d", "-f", "-r", "--no-postdeliver", "--no-predeliver", "--quiet",
    ]

    private func lines(
        of user: [UInt8], _ record: VmailmgrRecord, _ options: Set<String>
    ) throws(InstructionFault) -> [InstructionLine] {
        if let expiry = record.expiry, expiry < time(nil) {
            return [InstructionLine(.disabled("\(user.printable) has expired"))]
        }
        guard record.keepsMail || record.isForwarded else {
            return [InstructionLine(.disabled("\(user.printable) has neither mailbox nor address"))]
        }
        let maildir = record.maildir(in: home)
        var lines: [InstructionLine] = []
        if record.keepsMail {
            guard let maildir, !maildir.utf8.contains(where: { $0 < 0x20 }) else {
                throw .later("\(home): the mailbox of \(user.printable) has no usable name")
            }
            let quota = record.quota.isUnlimited ? nil : record.quota.description
            lines.append(InstructionLine(.maildir(path: maildir, quota: quota)))
        }
        for address in record.forwards {
            lines.append(InstructionLine(.forward(try mailbox(address))))
        }
        let variables = VirtualUsers.variables(of: user, record, maildir ?? "")
        var all: [InstructionLine] = []
        if !options.contains("--no-predeliver") {
            all += scripts("vdeliver-predeliver", "", variables)
        }
        all += lines
        if !options.contains("--no-postdeliver") {
            all += scripts("vdeliver-postdeliver", VirtualUsers.forgiving, variables)
        }
        return all
    }

    /// An address as vdeliver completes it: with the domain of the mail, or with our own after `@`.
    private func mailbox(_ address: [UInt8]) throws(InstructionFault) -> Mailbox {
        var bytes = address.first == 0x26 ? Array(address.dropFirst()) : address
        if bytes.last == 0x40 {
            // Without a domain it is that of the host.
            bytes.removeLast()
        } else if !bytes.contains(0x40) {
            bytes += [0x40] + host
        }
        guard !bytes.isEmpty, let mailbox = try? Mailbox(bytes) else {
            throw .later("\(home): \(address.printable) of \(name.printable) is no address")
        }
        return mailbox
    }

    /// Programs that the administrator and the owner put before or after each delivery, where they
    /// are there: autoresponders and the like.
    private func scripts(
        _ name: String, _ end: String, _ variables: [InstructionLine.Variable]
    ) -> [InstructionLine] {
        [common, "\(home)/.vmailmgr"].map { "\($0)/\(name)" }.filter(VirtualUsers.isProgram).map {
            path in
            let quoted = path.split(separator: "'", omittingEmptySubsequences: false)
                .joined(separator: #"'\''"#)
            var line = InstructionLine(.program(Array("'\(quoted)'\(end)".utf8)))
            line.variables = variables
            return line
        }
    }

    /// The mail is in the mailbox: a script after it does not send it back, or have it come again.
    private static let forgiving = " || { test $? = 99 && exit 99; exit 0; }"

    private static func isProgram(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFREG
            && access(path, X_OK) == 0
    }

    private static func variables(
        of user: [UInt8], _ record: VmailmgrRecord, _ maildir: String
    ) -> [InstructionLine.Variable] {
        // vmailmgr's word for no limit is the largest number of C's unsigned int.
        let number = { (index: Int) in
            let value = record.numbers.indices.contains(index) ? record.numbers[index] : nil
            return "\(value ?? Int(UInt32.max))".utf8
        }
        let flag = { (isSet: Bool) in (isSet ? "1" : "0").utf8 }
        return [
            .init("VUSER", user), .init("MAILDIR", maildir.utf8),
            .init("VUSER_PERSONAL", record.personal), .init("VUSER_HARDQUOTA", number(0)),
            .init("VUSER_SOFTQUOTA", number(1)), .init("VUSER_MSGSIZE", number(2)),
            .init("VUSER_MSGCOUNT", number(3)), .init("VUSER_CTIME", number(4)),
            .init("VUSER_EXPIRY", number(5)), .init("VUSER_HAS_MAILBOX", flag(record.hasMailbox)),
            .init("VUSER_MAILBOX_ENABLED", flag(record.isEnabled)),
        ]
    }
}
