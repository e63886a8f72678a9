// MilterSettings: the options of milter-filter, read.
// milter-filter(8).
// SPDX-License-Identifier: MIT

import Control
import FilterKit
import MailModel
import MilterProtocol

/// What the command line says.
struct MilterSettings: Sendable {
    static let options: [Usage.Option] = [
        .value("connect-timeout", "T", "for the connection and the first packets (30s)"),
        .value("command-timeout", "T", "for the answer to each command and header field (30s)"),
        .value("content-timeout", "T", "for the answer to a piece of the body and its end (5m)"),
        .value("timeout", "T", "for one message as a whole (9m)"),
        .value("protocol", "N", "the highest version of the protocol to offer, 2 to 6 (6)"),
        .value("packets", "SIZE", "offer packets of 64K (the default), 256K or 1M"),
        .value("max-body", "SIZE", "bytes of a body that the milter may put in place (32M)"),
        .values("macro", "NAME=VALUE", "a macro, besides those that follow from the facts"),
        .root,
    ]

    let address: MilterAddress
    let connectLimit: Duration
    let commandLimit: Duration
    let contentLimit: Duration
    let limit: Duration
    let offer: MilterNegotiation
    let bodyLimit: Int
    /// Macros by name with braces, as the administrator gave them.
    let macros: [[UInt8]: [UInt8]]
    /// Our name.
    let hostName: [UInt8]

    init(_ options: Options) throws {
        guard options.operands.count == 1, let socket = options.operands.first else {
            throw UsageError("one SOCKET is wanted, such as unix:/run/opendkim.sock")
        }
        guard let address = MilterAddress(socket) else {
            throw UsageError(
                "\(Array(socket.utf8).printable): not unix:PATH and not inet:PORT@ADDRESS")
        }
        self.address = address
        connectLimit = try MilterSettings.time(options, "connect-timeout", .seconds(30))
        commandLimit = try MilterSettings.time(options, "command-timeout", .seconds(30))
        contentLimit = try MilterSettings.time(options, "content-timeout", .seconds(300))
        limit = try MilterSettings.time(options, "timeout", .seconds(540))
        bodyLimit =
            try options.read("max-body", "a size from 1K to 1G") { text in
                Quantity.bytes(text).flatMap { (1 << 10...1 << 30).contains($0) ? $0 : nil }
            } ?? 32 << 20
        offer = try MilterSettings.offer(options)
        macros = try MilterSettings.macros(options.allBytes("macro"))
        hostName = try Root(options).control.meOrHost()
    }

    private static func time(
        _ options: Options, _ name: String, _ standard: Duration
    ) throws(UsageError) -> Duration {
        try options.read(name, "a duration from 1ms to 1d") { text in
            Quantity.duration(text).flatMap {
                (.milliseconds(1) ... .seconds(86_400)).contains($0) ? $0 : nil
            }
        } ?? standard
    }

    /// What each version of the protocol knows.
    private static func offer(_ options: Options) throws(UsageError) -> MilterNegotiation {
        let version = try options.integer("protocol", in: 2...6) ?? 6
        let sizes: [Int: MilterSteps] = [
            1 << 16: [], 1 << 18: .packets256K, 1 << 20: [.packets256K, .packets1M],
        ]
        let packets: MilterSteps =
            try options.read("packets", "64K, 256K or 1M") { text in
                Quantity.bytes(text).flatMap { sizes[$0] }
            } ?? []
        guard version < 6 else {
            return MilterNegotiation(steps: .all.union(packets))
        }
        let steps: UInt32 = [2: 0x7F, 3: 0x1FF, 4: 0x3FF, 5: 0x3FF][version] ?? 0x7F
        return MilterNegotiation(
            version: UInt32(version), actions: MilterActions(rawValue: 0x3F),
            steps: MilterSteps(rawValue: steps).union(packets))
    }

    private static func macros(_ values: [[UInt8]]) throws(UsageError) -> [[UInt8]: [UInt8]] {
        var macros: [[UInt8]: [UInt8]] = [:]
        for value in values {
            guard let equals = value.firstIndex(of: 0x3D),
                let name = MacroValues.name(value[..<equals])
            else {
                throw UsageError("--macro \(value.printable): not NAME=VALUE")
            }
            macros[name] = Array(value[(equals + 1)...])
        }
        return macros
    }
}
