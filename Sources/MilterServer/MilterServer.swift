// MilterServer: the chain and the limits that all sessions share.
// milter-chain(8).
// SPDX-License-Identifier: MIT

import CMilter
public import Control
public import FilterChain
import MailModel
import Synchronization
public import UnixIO

/// What is read anew on a reload.
public struct MilterConfiguration: Sendable {
    /// The chain.
    public let chain: Chain
    /// Who may relay.
    let relayClients: [Network]
    /// Our name, whose `Authentication-Results` nobody else may write.
    let name: [UInt8]

    /// Reads what the root holds.
    /// - Throws: `ChainError`, `ControlError`.
    public init(_ root: Root, filters: String? = nil) throws {
        chain = try Chain(root, folder: filters)
        relayClients = try root.control.relayClients()
        name = try root.control.meOrHost()
    }
}

/// Places for sessions, taken by threads.
final class SessionPlaces: Sendable {
    private let taken = Atomic<Int>(0)
    let most: Int

    init(_ most: Int) { self.most = most }

    /// How many are taken.
    var count: Int { taken.load(ordering: .relaxed) }

    /// Takes a place; false when there is none.
    func take() -> Bool {
        guard taken.add(1, ordering: .relaxed).newValue <= most else {
            leave()
            return false
        }
        return true
    }

    /// Gives one back.
    func leave() { taken.subtract(1, ordering: .relaxed) }
}

/// Serves one listening socket.
public final class MilterServer: Sendable {
    let limits: MilterLimits
    let log: Log
    let sessions: SessionPlaces
    let delayed: SessionPlaces
    /// True when the socket is one of the Internet.
    let isOverTCP: Bool
    let listener: Descriptor
    private let state: Mutex<(configuration: MilterConfiguration, reloads: Int32)>
    private let read: @Sendable () throws -> MilterConfiguration

    /// A server for a listening socket, with what `read` gives now, and again after each SIGUSR1.
    /// - Throws: what `read` throws.
    public init(
        listener: Descriptor, _ limits: MilterLimits, log: Log,
        read: @escaping @Sendable () throws -> MilterConfiguration
    ) throws {
        self.listener = listener
        isOverTCP = InternetSocket.localEndpoint(of: listener) != nil
        self.limits = limits
        self.log = log
        self.read = read
        sessions = SessionPlaces(limits.sessions)
        delayed = SessionPlaces(limits.delayedSessions)
        state = Mutex((try read(), cmilter_reloads()))
    }

    /// The chain for a session that begins now.
    var chain: Chain { configuration.chain }

    /// What was read last. Where it is wrong now, what was right before stays.
    var configuration: MilterConfiguration {
        state.withLock { state in
            let reloads = cmilter_reloads()
            guard reloads != state.reloads else { return state.configuration }
            state.reloads = reloads
            do {
                state.configuration = try read()
                log.event("reloaded", ["steps": "\(state.configuration.chain.steps.count)"])
            } catch {
                log.event("not-reloaded", ["error": "\(error)"])
            }
            return state.configuration
        }
    }
}
