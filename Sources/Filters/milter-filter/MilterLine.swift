// MilterLine: a connection to a milter: packets out and in, each by its deadline.
// milter-filter(8).
// SPDX-License-Identifier: MIT

import MailModel
import MilterProtocol
import UnixIO

/// Why a milter did not answer.
enum MilterFailure: Error, CustomStringConvertible {
    /// A call failed.
    case system(SystemError)
    /// The milter closed the connection.
    case closed
    /// What it says is none of the protocol.
    case garbled(MilterError)
    /// A reply that cannot be one here.
    case unexpected(MilterReply.Code, String)

    var description: String {
        switch self {
        case .system(let error): "\(error)"
        case .closed: "the milter closed the connection"
        case .garbled(let error): "\(error)"
        case .unexpected(let code, let subject): "reply \(code) to \(subject)"
        }
    }
}

/// One connection. What is sent waits until an answer is wanted.
final class MilterLine {
    /// The pieces that replies are read in.
    private static let pieceSize = 16_384

    private let connection: Connection
    private var packets = MilterPackets()
    private var output: [UInt8] = []
    /// What was agreed on.
    private(set) var agreement = MilterNegotiation()

    /// Connects and negotiates.
    init(_ settings: MilterSettings, deadline: Deadline) throws(MilterFailure) {
        let deadline = min(deadline, .after(settings.connectLimit))
        do throws(SystemError) {
            connection = try settings.address.connect(deadline)
        } catch {
            throw .system(error)
        }
        put(.negotiate(settings.offer))
        try flush(deadline)
        guard case .negotiate(let choice) = try receive(deadline) else {
            throw .unexpected(.continue, "the offer")
        }
        do throws(MilterError) {
            agreement = try settings.offer.agreed(choice)
        } catch {
            throw .garbled(error)
        }
    }

    /// Has a command sent with what comes next, or by `flush`.
    func put(_ command: MilterCommand) { command.packet.append(to: &output) }

    /// How many bytes wait to be sent.
    var waiting: Int { output.count }

    /// Sends what waits.
    func flush(_ deadline: Deadline) throws(MilterFailure) {
        guard !output.isEmpty else { return }
        do throws(SystemError) {
            try connection.send(output, deadline: deadline)
        } catch {
            throw .system(error)
        }
        output.removeAll(keepingCapacity: true)
    }

    /// The next reply.
    func receive(_ deadline: Deadline) throws(MilterFailure) -> MilterReply {
        while true {
            do throws(MilterError) {
                if let packet = try packets.next() { return try MilterReply(packet) }
            } catch {
                throw .garbled(error)
            }
            // A milter that talks without end is not waited for, and yet it takes time.
            guard !deadline.hasPassed else {
                throw .system(.timedOut("recvmsg", connection.object))
            }
            try read(deadline)
        }
    }

    private func read(_ deadline: Deadline) throws(MilterFailure) {
        var received = Received()
        do throws(SystemError) {
            let got = try connection.receive(
                into: &received, limit: MilterLine.pieceSize, deadline: deadline)
            if got > 0 {
                packets.append(received.bytes)
                return
            }
        } catch {
            throw .system(error)
        }
        throw .closed
    }

    /// Says that it is over; nobody waits for anything.
    func quit(isInTransaction: Bool, _ deadline: Deadline) {
        if isInTransaction { put(.abort) }
        put(.quit)
        do throws(MilterFailure) {
            try flush(deadline)
        } catch {
            // The milter finds out by itself.
        }
    }
}
