// DotQmail+Instructions: what the lines of a dot-qmail file are to be done.
// dot-qmail(5), qmail-local(8).
// SPDX-License-Identifier: MIT

import Control
public import MailModel

/// Why a user's instructions cannot be carried out: what is told, and what only the log says.
public struct InstructionFault: Error, Hashable, Sendable {
    /// The reply for the recipient, without any path.
    public let reply: Reply
    /// The path and what is wrong with it.
    public let reason: String

    /// A fault.
    public init(_ reply: Reply, _ reason: String) {
        self.reply = reply
        self.reason = reason
    }
}

/// The lines of a dot-qmail file, in order.
public struct DotQmailLines: Hashable, Sendable {
    /// The most bytes that a file may have.
    public static let maximumSize = 65_536
    /// The most lines that say something.
    public static let maximumLines = 1000

    /// What to do, forwards included; without `drop`, which no line says.
    public let instructions: [Instruction]

    /// Reads lines. Paths are made absolute by the home.
    /// - Parameters:
    ///   - content: the file, without a line end at its last line too.
    ///   - home: where relative paths begin.
    ///   - path: the file, for the log.
    ///   - isForwardOnly: true for a file with the execute bit: it may only forward.
    /// - Throws: `InstructionFault` as qmail-local would defer. It says so before anything is
    ///   done, where qmail-local says it when it comes to the line.
    public init(
        _ content: [UInt8], home: String, path: String, isForwardOnly: Bool
    ) throws(InstructionFault) {
        var isForwardOnly = isForwardOnly
        var found: [Instruction] = []
        let fault = { (number: Int, detail: UInt16, text: String) in
            InstructionFault(
                Reply(451, EnhancedStatus(4, detail == 1 ? 2 : 7, detail == 1 ? 1 : 0), text),
                "\(path), line \(number)")
        }
        let lines = content.split(separator: 0x0A, omittingEmptySubsequences: false)
        for (index, whole) in lines.enumerated() {
            let end = whole.lastIndex { !$0.isBlank }.map { $0 + 1 } ?? whole.startIndex
            let line = whole[..<end]
            guard let first = line.first else {
                guard index > 0 || content.isEmpty else {
                    throw fault(1, 1, "Uh-oh: first line of .qmail file is blank.")
                }
                continue
            }
            if first == 0x2B {
                if line.dropFirst().elementsEqual("list".utf8) { isForwardOnly = true }
                continue
            }
            guard let instruction = DotQmailLines.instruction(line, home) else {
                if first == 0x23 { continue }
                throw fault(index + 1, 1, "Uh-oh: a line of the .qmail file cannot be used.")
            }
            if isForwardOnly {
                switch instruction {
                case .forward, .drop: break
                case .program:
                    throw fault(
                        index + 1, 0, "Uh-oh: .qmail has prog delivery but has x bit set.")
                case .maildir, .mbox, .lmtp:
                    throw fault(
                        index + 1, 0, "Uh-oh: .qmail has file delivery but has x bit set.")
                }
            }
            found.append(instruction)
            guard found.count <= DotQmailLines.maximumLines else {
                throw fault(index + 1, 1, "Uh-oh: the .qmail file has too many lines.")
            }
        }
        instructions = found
    }

    /// What a line without blanks at its end is; nil for a comment and for what cannot be used.
    private static func instruction(_ line: ArraySlice<UInt8>, _ home: String) -> Instruction? {
        switch line.first {
        case 0x23: return nil
        case 0x7C: return line.contains(0) ? nil : .program(Array(line.dropFirst()))
        case 0x2E, 0x2F:
            guard let text = String(validating: line, as: UTF8.self), !line.contains(0) else {
                return nil
            }
            let path = text.hasPrefix("/") ? text : "\(home)/\(DotQmailLines.relative(text))"
            guard path.hasSuffix("/") else { return .mbox(path: path) }
            var folder = path
            while folder.utf8.count > 1, folder.hasSuffix("/") { folder.removeLast() }
            return .maildir(path: folder)
        case 0x26: return (try? Mailbox(line.dropFirst())).map(Instruction.forward)
        default: return (try? Mailbox(line)).map(Instruction.forward)
        }
    }

    private static func relative(_ path: String) -> Substring {
        path.hasPrefix("./") ? path.dropFirst(2) : path[...]
    }
}

extension DotQmail {
    /// What a user's instructions for an extension are.
    public struct Found: Hashable, Sendable {
        /// What to do.
        public let instructions: [Instruction]
        /// Where that was found; empty when it is the default delivery.
        public let path: String
        /// What of the extension the file for all others stands for; nil for a file of its own.
        public let rest: [UInt8]?
    }

    /// Finds the instructions for an extension in a home, as its owner. `otherwise` are the lines
    /// for a user without a file, and for an empty file.
    /// - Throws: `InstructionFault`: 550 5.1.1 when there is no file for an extension, else 451.
    public static func instructions(
        home: String, dash: [UInt8], ext: [UInt8], otherwise: [UInt8]
    ) throws(InstructionFault) -> Found {
        var trail = SourceTrail(isWanted: false)
        try checkHome(home)
        let found = try reading { () throws(ControlError) in
            try find(home: home, dash: dash, ext: ext, &trail)
        }
        guard let found else {
            guard dash.isEmpty else {
                throw InstructionFault(
                    Reply(550, EnhancedStatus(5, 1, 1), "Sorry, no mailbox here by that name."),
                    "\(home): no instructions .qmail\((dash + ext).printable)")
            }
            let lines = try DotQmailLines(
                otherwise, home: home, path: "defaultdelivery", isForwardOnly: false)
            return Found(instructions: lines.instructions, path: "", rest: nil)
        }
        guard !found.isCut else {
            throw InstructionFault(
                Reply(451, EnhancedStatus(4, 2, 1), "Uh-oh: the .qmail file is too large."),
                "\(found.path): more than \(maximumSize) bytes")
        }
        let isEmpty = found.content.isEmpty
        let lines = try DotQmailLines(
            isEmpty ? otherwise : found.content, home: home, path: found.path,
            isForwardOnly: !isEmpty && found.isForwardOnly)
        return Found(
            instructions: lines.instructions, path: found.path, rest: rest(found, dash, ext))
    }

    /// What the reverse-path of forwarded mail becomes: a list's owner where a file `-owner` is
    /// there, with VERP where also `-owner-default` is; else it stays.
    public static func newSender(
        _ sender: ReversePath, home: String, dash: [UInt8], ext: [UInt8], local: [UInt8],
        host: [UInt8]
    ) throws(InstructionFault) -> ReversePath {
        guard !sender.bytes.isEmpty, !sender.bytes.elementsEqual("#@[]".utf8) else { return sender }
        let owner = Array("-owner".utf8)
        guard try isThere(home, dash, ext + owner) else { return sender }
        let isVariable = try isThere(home, dash, ext + owner + Array("-default".utf8))
        let bytes =
            isVariable
            ? local + owner + [0x2D, 0x40] + host + Array("-@[]".utf8)
            : local + owner + [0x40] + host
        guard let path = try? ReversePath(bytes) else {
            throw InstructionFault(
                Reply(451, EnhancedStatus(4, 3, 0), "The owner's address cannot be made."),
                "\(home): \(bytes.printable)")
        }
        return path
    }

    private static func isThere(
        _ home: String, _ dash: [UInt8], _ ext: [UInt8]
    ) throws(InstructionFault) -> Bool {
        var trail = SourceTrail(isWanted: false)
        return try reading { () throws(ControlError) in
            try exact(home: home, dash: dash, ext: ext, &trail) != nil
        }
    }

    /// What the name of the file leaves of the extension.
    private static func rest(_ found: DotQmail, _ dash: [UInt8], _ ext: [UInt8]) -> [UInt8]? {
        let safe = safe(ext)
        guard found.ext != safe else { return nil }
        let end = found.ext.count - "default".utf8.count
        return end >= 0 && end <= ext.count ? Array(ext[end...]) : nil
    }

    /// The words of qmail-local for a home that is not to be used now.
    private static func checkHome(_ home: String) throws(InstructionFault) {
        let state = try reading { () throws(ControlError) in try HomeState.of(home) }
        switch state {
        case .good: return
        case .missing:
            throw InstructionFault(
                Reply(451, EnhancedStatus(4, 3, 0), "Unable to switch to the home."), home)
        case .open:
            throw InstructionFault(
                Reply(451, EnhancedStatus(4, 7, 0), "Uh-oh: home directory is writable."), home)
        case .sticky:
            throw InstructionFault(
                Reply(
                    451, EnhancedStatus(4, 2, 1),
                    "Home directory is sticky: user is editing his .qmail file."), home)
        }
    }

    private static func reading<Result>(
        _ body: () throws(ControlError) -> Result
    ) throws(InstructionFault) -> Result {
        do throws(ControlError) { return try body() } catch {
            throw InstructionFault(
                Reply(451, EnhancedStatus(4, 3, 0), "The .qmail file cannot be used now."),
                "\(error)")
        }
    }
}
