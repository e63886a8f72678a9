// AliasInclude: a file of addresses that an alias includes.
// aliases(5), :include:.
// SPDX-License-Identifier: MIT

import Glibc
import MailModel
import UnixIO

/// Reads included files, as the user who carries out what aliases say. Only addresses count in
/// them: whoever may write to a list shall not run commands as that user.
struct AliasInclude {
    private let host: [UInt8]
    private(set) var instructions: [Instruction]
    private var seen: Set<Instruction>
    private var read: Set<String> = []
    private var size = 0

    init(host: [UInt8], _ instructions: [Instruction]) {
        self.host = host
        self.instructions = instructions
        seen = Set(instructions)
    }

    /// Adds the members in a file; a file that was read already adds none.
    mutating func read(_ path: String, depth: Int) throws(InstructionFault) {
        guard read.insert(path).inserted else { return }
        guard depth <= AliasLimits.includeDepth else {
            throw AliasInclude.fault("\(path): more than \(AliasLimits.includeDepth) files deep")
        }
        var number = 0
        let content = try AliasInclude.content(path)
        for line in content.split(separator: 0x0A, omittingEmptySubsequences: false) {
            number += 1
            guard let first = line.first(where: { !$0.isBlank }), first != 0x23 else { continue }
            for value in try AliasInclude.values(line, path, number) {
                try add(value, "\(path):\(number)", depth)
            }
        }
    }

    private static func values(
        _ line: ArraySlice<UInt8>, _ path: String, _ number: Int
    ) throws(InstructionFault) -> [AliasValue] {
        var lexer = AliasLexer(line)
        var values: [AliasValue] = []
        do throws(AliasFault) {
            while let word = try lexer.word() {
                if case .value(let value) = word { values.append(value) }
            }
        } catch {
            throw fault("\(path):\(number): \(error.reason)")
        }
        return values
    }

    private mutating func add(
        _ value: AliasValue, _ place: String, _ depth: Int
    ) throws(InstructionFault) {
        let address: [UInt8]
        switch value {
        case .include(let other): return try read(other, depth: depth + 1)
        case .user(let name): address = [0x5C] + name
        case .address(let name): address = name
        case .program, .mbox, .maildir, .drop:
            throw AliasInclude.fault("\(place): an included file has only addresses")
        }
        let whole = address.contains(0x40) ? address : address + [0x40] + host
        guard let mailbox = try? Mailbox(whole) else {
            throw AliasInclude.fault("\(place): an address that is too long")
        }
        let instruction = Instruction.forward(mailbox)
        guard seen.insert(instruction).inserted else { return }
        instructions.append(instruction)
        size += whole.count
        guard instructions.count <= AliasLimits.members, size <= AliasLimits.memberBytes else {
            throw AliasInclude.fault("\(place): more than \(AliasLimits.members) members")
        }
    }

    /// A FIFO is not waited for.
    private static func content(_ path: String) throws(InstructionFault) -> [UInt8] {
        do throws(SystemError) {
            let file = try RegularFile.open(Array(path.utf8))
            let mode = try file.borrowed.status(path).st_mode
            guard mode & S_IFMT == S_IFREG else { throw SystemError("read", path, .notSupported) }
            guard mode & S_IWOTH == 0 else {
                throw SystemError("trust what everybody may write to,", path, .permissionDenied)
            }
            return try file.borrowed.readToEnd(path, limit: AliasLimits.includedFile)
        } catch {
            throw fault("\(error)")
        }
    }

    static func fault(_ reason: String) -> InstructionFault {
        InstructionFault(
            Reply(451, EnhancedStatus(4, 3, 0), "A list of members cannot be read now."), reason)
    }
}
