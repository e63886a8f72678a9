// PoolWorker: the life of one forked worker.
// chainmail(7), section PROCESSES.
// SPDX-License-Identifier: MIT

import CUnix
import Glibc
import UnixIO

/// Accepts, serves, and ends when told, when its parent is gone, or after its share of requests.
struct PoolWorker<Loaded> {
    let pool: Pool<Loaded>
    let board: Scoreboard
    let slot: Int
    let wanted: Descriptor

    /// Ends the process, by `_exit`: what `atexit` holds is the parent's. Not declared `Never`,
    /// see `cunix_exit`.
    func run(_ loaded: Loaded, parent: pid_t) {
        Signals.reset()
        Signals.ignoreBrokenPipes()
        cunix_catch_stop()
        pool.room?.leave()
        var code: Int32 = 0
        // At once, whatever is being served: a worker without a parent would keep the listener,
        // and with it the port, from whoever takes its parent's place.
        if cunix_die_with_parent(SIGKILL) == 0, getppid() == parent {
            do {
                try loop(try pool.worker(loaded))
            } catch {
                pool.log.event("worker-failed", ["error": "\(error)"])
                code = 1
            }
        }
        cunix_exit(code)
    }

    private func loop(_ serve: Serve) throws(SystemError) {
        let set = OwnedDescriptor(try retrying("epoll_create1", "worker") { cunix_epoll() })
        // The listeners, then the others: the index says which one it is.
        let others = [pool.recall?.awaited, pool.room?.awaited].compactMap(\.self)
        for (index, awaited) in (pool.listeners + others).enumerated() {
            _ = try retrying("epoll_ctl", "worker") {
                cunix_epoll_add_listener(set.number, awaited.rawValue, UInt32(index))
            }
        }
        if board.open() { _ = Glibc.write(wanted.rawValue, "o", 1) }
        var served = 0
        while served < pool.options.requestsPerWorker, !cunix_stop_came() {
            let index = cunix_epoll_wait(set.number, -1)
            guard index >= 0 else {
                if errno == EINTR { continue }
                throw SystemError.last("epoll_pwait", "worker")
            }
            if take(Int(index), serve) { served += 1 }
        }
    }

    /// Takes what waits behind this index.
    /// - Returns: false when there is nothing, or another worker was faster.
    private func take(_ index: Int, _ serve: Serve) -> Bool {
        switch index - pool.listeners.count {
        case ..<0: takeConnection(index, serve)
        case 0: lookEverywhere(serve)
        default: takeGuest(serve)
        }
    }

    /// Who finds something sends the next one to look: there may be more, and what was found may
    /// have been another's, who has woken in vain now.
    private func lookEverywhere(_ serve: Serve) -> Bool {
        pool.recall?.answer()
        for index in pool.listeners.indices where takeConnection(index, serve, isRecalled: true) {
            return true
        }
        return takeGuest(serve, isRecalled: true)
    }

    private func takeConnection(_ index: Int, _ serve: Serve, isRecalled: Bool = false) -> Bool {
        guard let connection = accept(index) else { return false }
        if isRecalled { pool.recall?.call() }
        let number = connection.take()
        work { receive(OwnedDescriptor(number), index, serve) }
        return true
    }

    private func takeGuest(_ serve: Serve, isRecalled: Bool = false) -> Bool {
        guard let (socket, guest) = pool.room?.next() else { return false }
        if isRecalled { pool.recall?.call() }
        guard pool.listeners.indices.contains(guest.listener) else {
            _ = OwnedDescriptor(socket)
            return true
        }
        work { serve(OwnedDescriptor(socket), guest.listener, guest.note) }
        return true
    }

    private func work(_ body: () -> Void) {
        // Said before the work begins, so that the next request finds another worker.
        if board.begin(slot) { _ = Glibc.write(wanted.rawValue, "w", 1) }
        body()
        board.finish(slot)
    }

    /// Serves a new connection, or lets it wait where clients speak first and this one does not.
    private func receive(_ connection: consuming OwnedDescriptor, _ index: Int, _ serve: Serve) {
        if pool.options.clientsSpeakFirst, let room = pool.room {
            let guest = WaitingGuest(listener: index, until: .after(WaitingRoom.patience))
            if !WaitingRoom.speaks(connection.borrowed), room.takesIn(connection.borrowed, guest) {
                return
            }
        }
        serve(connection, index, [])
    }

    /// The connection; nil when another worker was faster or the client went away.
    private func accept(_ index: Int) -> OwnedDescriptor? {
        let number = cunix_accept(pool.listeners[index].rawValue)
        guard number < 0 else { return OwnedDescriptor(number) }
        // The connection stays, and would be tried again at once: the system has to breathe.
        if [EMFILE, ENFILE, ENOBUFS, ENOMEM].contains(errno) { usleep(100_000) }
        return nil
    }
}
