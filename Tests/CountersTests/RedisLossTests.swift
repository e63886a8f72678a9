// RedisLossTests: tests what becomes of decisions when redis-server dies, hangs and comes back.
// SPDX-License-Identifier: MIT

import Counters
import Glibc
import MailModel
import TestSupport
import Testing
import UnixIO

@Suite struct RedisLossTests {
    private let folder: TestFolder
    private let server: RedisServer
    private let store: RedisStore
    private let charge: Charge

    init() throws {
        folder = try TestFolder()
        server = try RedisServer(in: folder)
        store = RedisStore(
            try #require(RedisAddress(server.address)), timeout: .milliseconds(80),
            log: Log("test"))
        charge = Charge([1], try #require(Rate(1000, perSeconds: 3600)))
        // The first one may wait for a machine that is busy.
        let store = store
        let charge = charge
        #expect(eventually { (try? store.charge([charge])) != nil })
    }

    /// The milliseconds until a store says that the server is lost; nil when it does not.
    private func loss(_ store: RedisStore) -> UInt64? {
        let begin = WallClock.microseconds
        do throws(CounterError) {
            _ = try store.charge([charge])
            return nil
        } catch {
            return (WallClock.microseconds - begin) / 1000
        }
    }

    private func loss() -> UInt64? { loss(store) }

    /// The shortest of some losses of fresh stores: a machine that is busy may be late for one.
    private func bestLoss() throws -> UInt64 {
        let address = try #require(RedisAddress(server.address))
        let losses = try (0..<8).map { _ in
            try #require(
                loss(RedisStore(address, timeout: .milliseconds(80), log: Log("test"))))
        }
        return losses.min() ?? .max
    }

    private func isBack() -> Bool { eventually { (try? store.charge([charge])) != nil } }

    @Test func `a server that is killed is lost at once, and back when it is started`() throws {
        try server.kill()
        #expect(loss() != nil)
        #expect(try bestLoss() < 100)
        try server.start()
        #expect(isBack())
    }

    @Test func `a server that hangs is lost in time, and not asked again for a second`() throws {
        server.signal(SIGSTOP)
        #expect(try (70..<100).contains(bestLoss()))
        #expect(loss() != nil)
        let next = try (0..<8).map { _ in try #require(loss()) }
        #expect(next.min() ?? .max < 20)
        server.signal(SIGCONT)
        #expect(isBack())
    }

    @Test func `a server that was started anew meanwhile is no loss`() throws {
        try server.kill()
        try server.start()
        #expect(loss() == nil)
    }

    @Test func `one that takes the connection and says nothing is lost`() throws {
        let other = try TestFolder()
        let listener = try UnixSocket.listen(at: other.file("s"))
        let address = try #require(RedisAddress("redis+unix://\(other.file("s"))"))
        let stranger = RedisStore(address, timeout: .milliseconds(50), log: Log("test"))
        // Nobody accepts: the connection stands, and nothing comes.
        #expect(throws: CounterError.self) { _ = try stranger.charge([charge]) }
        withExtendedLifetime(listener) {}
    }

    @Test func `a replica that may not write is lost`() throws {
        _ = try server.ask("REPLICAOF", "127.0.0.1", "1")
        #expect(loss() != nil)
        _ = try server.ask("REPLICAOF", "NO", "ONE")
        #expect(isBack())
    }

    @Test func `a server without room is lost`() throws {
        _ = try server.ask("CONFIG", "SET", "maxmemory", "1")
        #expect(loss() != nil)
        _ = try server.ask("CONFIG", "SET", "maxmemory", "0")
        #expect(isBack())
    }
}
