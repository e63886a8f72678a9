// AliasPlan: what an alias comes to, for one recipient.
// aliases(5); deliver-local(8).
// SPDX-License-Identifier: MIT

public import MailModel

/// What the aliases file says of a recipient. Each instruction is carried out whatever becomes of
/// the others.
public struct AliasPlan: Hashable, Sendable {
    /// What to do; no two are the same.
    public var instructions: [Instruction]
    /// Paths of files with more members, which whoever carries it out reads.
    public var includes: [String]
    /// What the reverse-path of mail sent on becomes, where the list has an owner.
    public var owner: ReversePath?

    /// A plan.
    public init(
        _ instructions: [Instruction], includes: [String] = [], owner: ReversePath? = nil
    ) {
        self.instructions = instructions
        self.includes = includes
        self.owner = owner
    }

    /// True when a command is among the instructions.
    var runsPrograms: Bool {
        instructions.contains { if case .program = $0 { true } else { false } }
    }

    /// The reverse-path of what is sent on. That of a report stays: no list's owner is told that a
    /// report could not be delivered.
    public func reversePath(_ sender: ReversePath) -> ReversePath {
        guard !sender.bytes.isEmpty, !sender.bytes.elementsEqual("#@[]".utf8) else { return sender }
        return owner ?? sender
    }

    /// The instructions, with those that are in included files. A name without a domain is in
    /// `host`.
    /// - Throws: `InstructionFault` when such a file cannot be used now.
    public func complete(host: [UInt8]) throws(InstructionFault) -> [Instruction] {
        guard !includes.isEmpty else { return instructions }
        var reading = AliasInclude(host: host, instructions)
        for path in includes { try reading.read(path, depth: 1) }
        // A list without members may be one that is being written.
        guard !reading.instructions.isEmpty else {
            throw AliasInclude.fault("\(includes.joined(separator: ", ")): no members")
        }
        return reading.instructions
    }
}
