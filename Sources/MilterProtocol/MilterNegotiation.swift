// MilterNegotiation: what one end offers and the other one chooses, the first packet of each.
// mfdef.h of libmilter, SMFIC_OPTNEG; xxfi_negotiate, smfi_setsymlist.
// SPDX-License-Identifier: MIT

/// When macros are given.
public enum MilterMacroStage: UInt32, CaseIterable, Sendable {
    /// With CONNECT.
    case connect = 0
    /// With HELO.
    case helo = 1
    /// With MAIL.
    case mail = 2
    /// With RCPT.
    case rcpt = 3
    /// With DATA.
    case data = 4
    /// With the end of the message.
    case endOfMessage = 5
    /// With the end of the header.
    case endOfHeader = 6
}

/// An offer, or the choice from one.
public struct MilterNegotiation: Hashable, Sendable {
    /// The versions that this code speaks.
    public static let versions: ClosedRange<UInt32> = 2...6

    /// The version of the protocol.
    public var version: UInt32
    /// What the milter may do, or will do.
    public var actions: MilterActions
    /// What can be left out, or will be.
    public var steps: MilterSteps
    /// The macros that the milter wants, where it said so, with their braces.
    public var macros: [MilterMacroStage: [[UInt8]]] = [:]

    /// A negotiation of these parts.
    public init(version: UInt32 = 6, actions: MilterActions = .all, steps: MilterSteps = .all) {
        self.version = version
        self.actions = actions
        self.steps = steps
    }

    init(_ fields: inout MilterFields, code: UInt8) throws(MilterError) {
        version = try fields.number()
        actions = MilterActions(rawValue: try fields.number())
        steps = MilterSteps(rawValue: try fields.number())
        while !fields.isEmpty {
            guard let stage = MilterMacroStage(rawValue: try fields.number()) else {
                throw .malformed(code)
            }
            macros[stage] = try fields.string().split { $0.isBlank || $0 == 0x2C }.map(Array.init)
        }
    }

    /// The data of the packet.
    var data: [UInt8] {
        var data: [UInt8] = []
        data.append(number: version)
        data.append(number: actions.rawValue)
        data.append(number: steps.rawValue)
        for stage in MilterMacroStage.allCases {
            guard let names = macros[stage] else { continue }
            data.append(number: stage.rawValue)
            data.append(string: Array(names.joined(separator: [0x20])))
        }
        return data
    }

    /// The choice of a milter from this offer, looked at.
    /// - Throws: `MilterError` when it speaks no version that we do, or wants an action or a step
    ///   that was not offered: what it relies on would not happen.
    public func agreed(_ choice: MilterNegotiation) throws(MilterError) -> MilterNegotiation {
        guard MilterNegotiation.versions.contains(choice.version) else {
            throw .version(choice.version)
        }
        guard actions.isSuperset(of: choice.actions), steps.isSuperset(of: choice.steps) else {
            throw .notOffered
        }
        var agreed = choice
        agreed.version = min(version, choice.version)
        return agreed
    }

    /// The most bytes that the data of a packet to the milter may have. A piece of the body has no
    /// more, too.
    public var packetLimit: Int {
        if steps.contains(.packets1M) { return (1 << 20) - 1 }
        return steps.contains(.packets256K) ? (1 << 18) - 1 : (1 << 16) - 1
    }
}
