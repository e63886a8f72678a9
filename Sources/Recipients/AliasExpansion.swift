// AliasExpansion: what an alias comes to, by way of others.
// aliases(5).
// SPDX-License-Identifier: MIT

import Control
import MailModel

/// Follows aliases in aliases until only addresses, files and commands are left.
struct AliasExpansion {
    private let table: AliasTable
    private let routing: QmailRouting
    private let settings: SourceSettings
    /// The domain of names without one.
    private let host: [UInt8]
    private var plan = AliasPlan([])
    private var seen: Set<Instruction> = []
    private var included: Set<String> = []
    private var expanded: Set<[UInt8]> = []
    private var stores = 0
    private var size = 0

    init(
        _ table: AliasTable, _ routing: QmailRouting, _ settings: SourceSettings, host: [UInt8]
    ) {
        self.table = table
        self.routing = routing
        self.settings = settings
        self.host = host
    }

    /// What is to be done for an alias of this name and these values.
    /// - Throws: `ControlError` for a loop, and when there is too much.
    mutating func plan(_ name: [UInt8], _ values: [AliasValue]) throws(ControlError) -> AliasPlan {
        try follow(name, values, [name])
        if try isList(name) {
            plan.owner = try? ReversePath(AliasExpansion.owner(name) + [0x40] + host)
        }
        return plan
    }

    private static func owner(_ name: [UInt8]) -> [UInt8] { Array("owner-".utf8) + name }

    private func isList(_ name: [UInt8]) throws(ControlError) -> Bool {
        try table.values(of: AliasExpansion.owner(name)) != nil
    }

    private mutating func follow(
        _ name: [UInt8], _ values: [AliasValue], _ trail: [[UInt8]]
    ) throws(ControlError) {
        guard trail.count <= AliasLimits.depth else {
            throw failure("\(name.printable): more than \(AliasLimits.depth) aliases deep")
        }
        guard expanded.insert(name).inserted else { return }
        for value in values {
            switch value {
            case .address(let address): try follow(address: address, of: name, trail)
            case .user(let user): try add(.forward(mailbox([0x5C] + user)))
            case .mbox(let path): try add(.mbox(path: path))
            case .maildir(let path): try add(.maildir(path: path))
            case .program(let command): try add(.program(command))
            case .include(let path):
                if included.insert(path).inserted { plan.includes.append(path) }
            case .drop: try add(.drop)
            }
        }
    }

    private mutating func follow(
        address: [UInt8], of name: [UInt8], _ trail: [[UInt8]]
    ) throws(ControlError) {
        let mailbox = try mailbox(address)
        guard case .local(let local, _, false) = routing.route(mailbox),
            let (next, values) = try table.alias(of: local, settings)
        else { return try add(.forward(mailbox)) }
        // An alias that has its own name among its values means the user of that name.
        guard next != name else {
            return try add(.forward(self.mailbox([0x5C] + local)))
        }
        guard !trail.contains(next) else {
            let names = (trail + [next]).map(\.printable).joined(separator: ", ")
            throw failure("aliases that are each other: \(names)")
        }
        // A list with an owner has a reverse-path of its own: it is a message of its own.
        guard try !isList(next) else { return try add(.forward(mailbox)) }
        try follow(next, values, trail + [next])
    }

    private func mailbox(_ address: [UInt8]) throws(ControlError) -> Mailbox {
        let whole = address.contains(0x40) ? address : address + [0x40] + host
        do throws(MailboxError) { return try Mailbox(whole) } catch {
            throw failure("\(address.prefix(80).printable): no address")
        }
    }

    private mutating func add(_ instruction: Instruction) throws(ControlError) {
        guard seen.insert(instruction).inserted else { return }
        plan.instructions.append(instruction)
        if case .forward(let mailbox) = instruction {
            size += mailbox.bytes.count
        } else {
            stores += 1
        }
        guard plan.instructions.count - stores <= AliasLimits.members,
            size <= AliasLimits.memberBytes, stores <= AliasLimits.stores
        else {
            throw failure(
                "an alias that comes to more than \(AliasLimits.members) addresses, or "
                    + "\(AliasLimits.stores) files and commands")
        }
    }

    private func failure(_ reason: String) -> ControlError {
        .invalid(file: table.path, line: nil, reason: reason)
    }
}

extension AliasTable {
    /// The alias that a local-part is: all of it, else what is before an extension, which `+` and
    /// what the settings name divide from it.
    func alias(
        of local: [UInt8], _ settings: SourceSettings
    ) throws(ControlError) -> (name: [UInt8], values: [AliasValue])? {
        let local = local.asciiLowercased
        if let values = try values(of: local) { return (local, values) }
        for name in settings.names(in: local[...]) {
            if let values = try values(of: Array(name)) { return (Array(name), values) }
        }
        return nil
    }
}
