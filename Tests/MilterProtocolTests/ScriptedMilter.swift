// ScriptedMilter: a milter that does what a test tells it, command by command.
// SPDX-License-Identifier: MIT

import Foundation
import Glibc
import MilterProtocol
import TestSupport
import UnixIO

/// What the milter does after a command.
enum MilterMove: Sendable {
    /// Sends these.
    case say([MilterReply])
    /// Sends these bytes.
    case bytes([UInt8])
    /// Sends this as long as it is taken.
    case flood(MilterReply)
    /// Says nothing, and goes on.
    case silence
    /// Closes the connection.
    case close
}

/// A milter on a Unix socket. It keeps what it was told.
final class ScriptedMilter: @unchecked Sendable {
    typealias Script = @Sendable (_ command: MilterCommand, _ connection: Int) -> MilterMove?

    let path: String
    private let listener: OwnedDescriptor
    private let lock = NSLock()
    private var seen: [[MilterCommand]] = []
    private let choice: MilterNegotiation
    private let script: Script

    /// Starts one that chooses this. `script` is asked at each command but macros; nil is to go on.
    init(
        _ folder: TestFolder, _ choice: MilterNegotiation = MilterNegotiation(steps: .skip),
        _ script: @escaping Script = { _, _ in nil }
    ) throws {
        // A filter that leaves closes its end.
        signal(SIGPIPE, SIG_IGN)
        path = folder.file("milter")
        self.choice = choice
        self.script = script
        listener = try UnixSocket.listen(at: path)
        let number = try listener.duplicate().take()
        Thread.detachNewThread { [weak self] in
            defer { close(number) }
            while true {
                let socket = accept(number, nil, nil)
                guard socket >= 0, let self else { return }
                let connection = self.lock.withLock {
                    self.seen.append([])
                    return self.seen.count
                }
                Thread.detachNewThread {
                    self.serve(OwnedDescriptor(socket), connection)
                }
            }
        }
    }

    deinit { shutdown(listener.number, Int32(SHUT_RDWR)) }

    /// What each connection was told, its end too.
    var connections: [[MilterCommand]] { lock.withLock { seen } }

    /// What the first connection was told, but for the offer and macros.
    var commands: [MilterCommand] {
        (connections.first ?? []).filter { $0.code != .negotiate && $0.code != .macros }
    }

    /// The macros of the first connection by name, the last value of each.
    var macros: [String: String] {
        (connections.first ?? []).reduce(into: [:]) { macros, command in
            guard case .macros(_, let more) = command else { return }
            for macro in more {
                macros[String(decoding: macro.name, as: UTF8.self)] =
                    String(decoding: macro.value, as: UTF8.self)
            }
        }
    }

    private func serve(_ socket: consuming OwnedDescriptor, _ connection: Int) {
        let descriptor = socket.borrowed
        var packets = MilterPackets()
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            while let packet = try? packets.next(), let command = try? MilterCommand(packet) {
                lock.withLock { seen[connection - 1].append(command) }
                let isOpen = (try? answer(command, descriptor, connection)) ?? false
                guard isOpen, command != .quit else { return }
            }
            let got = buffer.withUnsafeMutableBytes {
                (try? descriptor.readSome(into: $0, "milter")) ?? 0
            }
            guard got > 0 else { return }
            packets.append(buffer[..<got])
        }
    }

    /// - Returns: false when the connection is to be closed.
    private func answer(
        _ command: MilterCommand, _ socket: Descriptor, _ connection: Int
    ) throws -> Bool {
        guard command.code != .macros else { return true }
        switch script(command, connection) ?? standard(command) {
        case .say(let replies):
            try socket.writeAll(replies.flatMap { $0.packet.bytes }, "milter")
        case .bytes(let bytes): try socket.writeAll(bytes, "milter")
        case .flood(let reply):
            let bytes = [[UInt8]](repeating: reply.packet.bytes, count: 100).flatMap(\.self)
            while true { try socket.writeAll(bytes, "milter") }
        case .silence: break
        case .close: return false
        }
        return true
    }

    /// What one does that has nothing against anything.
    private func standard(_ command: MilterCommand) -> MilterMove {
        switch command {
        case .negotiate(let offer):
            var choice = choice
            choice.version = min(choice.version, offer.version)
            choice.actions.formIntersection(offer.actions)
            choice.steps.formIntersection(offer.steps)
            return .say([.negotiate(choice)])
        case .abort, .quit, .quitForAnother: return .silence
        default: return isUnanswered(command) ? .silence : .say([.continue])
        }
    }

    private func isUnanswered(_ command: MilterCommand) -> Bool {
        let bits: [MilterCommand.Code: MilterSteps] = [
            .connect: .noReplyToConnect, .helo: .noReplyToHelo, .mail: .noReplyToMail,
            .rcpt: .noReplyToRcpt, .data: .noReplyToData, .header: .noReplyToHeader,
            .endOfHeader: .noReplyToEndOfHeader, .body: .noReplyToBody,
        ]
        return bits[command.code].map(choice.steps.contains) ?? false
    }
}
