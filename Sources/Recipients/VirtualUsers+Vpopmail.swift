// VirtualUsers+Vpopmail: what vdelivermail would do.
// deliver-local(8), section Virtual users; vdelivermail.
// SPDX-License-Identifier: MIT

import Control
import MailModel
import UnixIO

extension VirtualUsers {
    /// The answer for the words after the program's name.
    func vpopmail(_ words: [[UInt8]]) throws(InstructionFault) -> VirtualAnswer {
        guard words.count == 2 else { return .notOurs("vdelivermail needs two words") }
        let (isCompiled, isText) = (try isTable("vpasswd.cdb"), try isTable("vpasswd"))
        guard isCompiled || isText else {
            return .notOurs("\(home): no vpasswd.cdb: vpopmail keeps users elsewhere, as in SQL")
        }
        var trail = SourceTrail(isWanted: false)
        let domain = VpopmailDomain(home, settings)
        let decision = try InstructionFault.looking { () throws(ControlError) in
            try domain.decision(on: name, "\(home)/.qmail-default", words, &trail)
        }
        switch decision {
        case .noName, .others(.bounce): return .lines([InstructionLine(try refusal())])
        case .others(.delete): return .lines([InstructionLine(.drop)])
        case .others(.address(let mailbox)): return .lines([InstructionLine(.forward(mailbox))])
        case .others(.folder(let folder)): return .lines(try lines(in: folder, [], nil))
        case .user(let user, let ext): return try answer(user, ext)
        }
    }

    func isTable(_ file: String) throws(InstructionFault) -> Bool {
        try InstructionFault.looking { () throws(ControlError) in
            try FileVersion.of("\(home)/\(file)") != nil
        }
    }

    private func answer(
        _ user: VpopmailUser, _ ext: [UInt8]
    ) throws(InstructionFault) -> VirtualAnswer {
        guard user.flags & VpopmailUser.bounceMail == 0 else {
            let fault = InstructionFault.disabled("\(name.printable) has the flag BOUNCE_MAIL")
            return .lines([InstructionLine(fault)])
        }
        // vdelivermail would choose one and write it into vpasswd.
        guard !user.folder.isEmpty else {
            return .notOurs("\(home): \(name.printable) has no folder in vpasswd yet")
        }
        let quota =
            user.quota.isEmpty ? nil : MailboxQuota(vpopmail: user.quota).description
        return .lines(try lines(in: user.folder, ext, quota))
    }

    /// What is done with mail for a user's folder: what his own file says, else it is his Maildir.
    private func lines(
        in folder: String, _ ext: [UInt8], _ quota: String?
    ) throws(InstructionFault) -> [InstructionLine] {
        guard !folder.utf8.contains(where: { $0 < 0x20 }) else {
            throw .later("\(home): the folder of \(name.printable) has control characters")
        }
        let maildir = VpopmailDomain.maildir(in: folder)
        let own = try InstructionFault.looking { () throws(ControlError) in
            var trail = SourceTrail(isWanted: false)
            return try VpopmailDomain.instructions(in: folder, ext, &trail)
        }
        var instructions = [Instruction.maildir(path: maildir)]
        if let own {
            guard !own.isCut else { throw .later("\(own.path) is too large") }
            instructions =
                try DotQmailLines(
                    own.content, home: folder, path: own.path, isForwardOnly: false
                ).instructions
        }
        return instructions.map { line($0, folder, maildir, quota) }
    }

    private func line(
        _ instruction: Instruction, _ folder: String, _ maildir: String, _ quota: String?
    ) -> InstructionLine {
        var line = InstructionLine(instruction)
        if case .program(let command) = instruction, let refusal = refusal(ShellLine(command)) {
            return refusal
        }
        line.folder = folder
        line.address = name.asciiLowercased + [0x40] + host.asciiLowercased
        if case .maildir(maildir, _) = instruction {
            line.instruction = .maildir(path: maildir, quota: quota)
            // vdelivermail makes what is missing of a user's. That the table is there shows that
            // the domain's folder is the real one.
            let isBelow =
                folder.hasPrefix("\(home)/") && !folder.split(separator: "/").contains("..")
            if isBelow { line.base = home }
        }
        return line
    }

    /// What is said of a name that nobody has: the domain's own words, or vpopmail's, where there
    /// are some.
    private func refusal() throws(InstructionFault) -> InstructionFault {
        var text = "Sorry, no mailbox here by that name."
        for folder in [home, aboveDomains].compactMap(\.self) {
            do throws(SystemError) {
                guard let own = try RegularFile.contents(of: "\(folder)/.no-user.msg") else {
                    continue
                }
                let words = own.prefix(VirtualUsers.longestText)
                    .split { $0 <= 0x20 || $0 >= 0x7F }
                    .map { String(decoding: $0, as: UTF8.self) }
                guard !words.isEmpty else { continue }
                text = words.joined(separator: " ")
                break
            } catch {
                // A text that cannot be read is no reason to keep a message that goes back.
                continue
            }
        }
        return InstructionFault(
            Reply(550, EnhancedStatus(5, 1, 1), text), "\(home): no user \(name.printable)")
    }

    /// vpopmail's folder of domains, in which they may be hashed.
    private var aboveDomains: String? {
        var parts = home.split(separator: "/")
        guard let end = parts.lastIndex(of: "domains") else { return nil }
        parts.removeSubrange((end + 1)...)
        return "/" + parts.joined(separator: "/")
    }
}
