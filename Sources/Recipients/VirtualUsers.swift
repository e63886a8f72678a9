// VirtualUsers: what the programs of vpopmail and vmailmgr would do with a message.
// deliver-local(8), section Virtual users.
// SPDX-License-Identifier: MIT

import Control
import MailModel

/// Lines of a dot-qmail file that run vdelivermail or vdeliver, as what these would do. The owner of
/// the virtual users asks: their tables and files are his.
public struct VirtualUsers {
    /// Where vmailmgr has what holds for all of its domains.
    public static let vmailmgrFolder = "/etc/vmailmgr"

    let home: String
    let name: [UInt8]
    let host: [UInt8]
    let settings: SourceSettings
    let common: String

    /// For mail to a name of a domain, whose users' tables are in a home.
    /// - Parameters:
    ///   - home: the folder of the owner.
    ///   - name: the extension, which is the name of the virtual user.
    ///   - host: the domain of the address.
    ///   - separators: what divides a name from an extension; empty for none.
    ///   - common: the folder of what holds for all domains of vmailmgr.
    public init(
        home: String, name: [UInt8], host: [UInt8], separators: [UInt8],
        common: String = vmailmgrFolder
    ) {
        self.home = home
        self.name = name
        self.host = host
        self.common = common
        settings = SourceSettings(Root(nil), separators: separators)
    }

    /// Instructions with each that runs such a program replaced by what that would do. What is no
    /// plain line of them stays, and so does a line that this cannot do and whose program is there.
    /// - Throws: `InstructionFault` where nobody can say now what is to be done.
    public func lines(
        _ instructions: [Instruction]
    ) throws(InstructionFault) -> [InstructionLine] {
        var lines: [InstructionLine] = []
        for instruction in instructions {
            guard case .program(let command) = instruction else {
                lines.append(InstructionLine(instruction))
                continue
            }
            let line = ShellLine(command)
            if let line, let found = try expansion(line) {
                lines += found.map { $0.filtered(by: line.filter) }
            } else {
                try VirtualUsers.checkPrograms(command)
                lines.append(InstructionLine(instruction))
            }
        }
        return lines
    }

    /// A shell may take it for done when a program in the midst of a line is not there.
    private static func checkPrograms(_ command: [UInt8]) throws(InstructionFault) {
        for word in ShellWords.split(command) {
            guard names.contains(where: { ShellWords.isProgram(word, $0) }),
                !ShellLine.isThere(word)
            else { continue }
            throw .later("\(word.printable) is not there, and the line is not a plain one")
        }
    }

    private static let names = ["vdelivermail", "vdeliver"]

    /// What a line does; nil for what is run as it is.
    private func expansion(_ line: ShellLine) throws(InstructionFault) -> [InstructionLine]? {
        let answer: VirtualAnswer
        switch String(decoding: line.program, as: UTF8.self) {
        case "vdelivermail": answer = try vpopmail(Array(line.words.dropFirst()))
        case "vdeliver": answer = try vmailmgr(Array(line.words.dropFirst()))
        case "bouncesaying": return refusal(line).map { [$0] }
        default: return nil
        }
        switch answer {
        case .lines(let lines): return lines
        case .notOurs(let reason):
            guard ShellLine.isThere(line.words[0]) else { throw .later(reason) }
            return nil
        }
    }

    /// `bouncesaying TEXT`, where it is not installed.
    func refusal(_ line: ShellLine?) -> InstructionLine? {
        guard let line, line.program.elementsEqual("bouncesaying".utf8), line.filter == nil,
            line.words.count == 2, !ShellLine.isThere(line.words[0])
        else { return nil }
        let text = line.words[1].prefix(VirtualUsers.longestText).printable
        return InstructionLine(
            InstructionFault(
                Reply(554, EnhancedStatus(5, 0, 0), text.isEmpty ? "No mail here." : text), ""))
    }

    /// The most bytes of a text of a domain's that are told.
    static let longestText = 300
}

/// What is known of a line.
enum VirtualAnswer {
    /// It would do this.
    case lines([InstructionLine])
    /// It is left to the program; the reason is for where that is not there.
    case notOurs(String)
}
