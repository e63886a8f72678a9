// Pool: a parent that loads once, and forked workers that share its listeners.
// chainmail(7), section PROCESSES.
// SPDX-License-Identifier: MIT

import CUnix
import Glibc
import UnixIO

/// How a pool behaves. Every limit has its default here.
public struct PoolOptions: Sendable {
    /// The name in logs and process lists.
    public var name: String
    /// The fewest and the most workers.
    public var workers: ClosedRange<Int>
    /// A worker ends after so many requests, and another takes its place.
    public var requestsPerWorker = 100_000
    /// Written to, `READY` and a line end, once the first workers are there; then closed.
    public var readyDescriptor: Int32?
    /// What goes before the line end of the ready line, such as the address.
    public var readyText = ""
    /// How long the end of the pool waits for requests that are being served.
    public var grace = Duration.seconds(30)
    /// So long before that time is over those who are left are told so, by SIGUSR1.
    static let lastCall = Duration.seconds(5)
    /// How often the pool looks whether it has too many idle workers.
    public var shrinkInterval = Duration.seconds(10)
    /// True where clients speak first: one that does not holds no worker until it does.
    public var clientsSpeakFirst = false
    /// How often the pool looks whether what it loaded is out of date; nil: never.
    public var checkInterval: Duration?

    /// Options with these bounds.
    public init(name: String, workers: ClosedRange<Int>) {
        self.name = name
        self.workers = max(1, workers.lowerBound)...max(1, workers.upperBound)
    }
}

/// What a worker of a pool does with each connection: the connected socket and the index of the
/// listener it came by, and, when it comes back from the pool's waiting room, the note that was left
/// with it. It must not throw and must bound its own time.
public typealias Serve = (consuming OwnedDescriptor, Int, [UInt8]) -> Void

/// A parent process and its workers. The process that runs a pool must have one thread.
///
/// The parent loads what is expensive, forks workers that share it, replaces one that dies, adds
/// workers when all are busy, ends some when many are idle, and ends all on SIGTERM or SIGINT. On
/// SIGHUP it forks a process that loads anew and becomes the parent of new workers; when these can
/// serve, the old ones end. When that fails, everything stays as it is. Workers are killed when
/// their parent dies, by whatever cause.
public struct Pool<Loaded> {
    let options: PoolOptions
    let listeners: [Descriptor]
    let log: Log
    let load: () throws -> Loaded
    let isStale: (Loaded) -> Bool
    let worker: (Loaded) throws -> Serve
    /// Where clients wait that do not speak; nil where nobody waits.
    private(set) var room: WaitingRoom?
    /// The process that holds them; nil where this one does.
    private(set) var keeper: RoomKeeper?
    /// Told of each worker and keeper that is gone.
    let ended: (pid_t) -> Void
    /// Set while the pool runs.
    private(set) var recall: Recall?

    /// A pool on sockets that listen already. `load` runs in the parent of each generation of
    /// workers; `worker` runs once in each worker, after the fork, and opens what does not
    /// survive one. `isStale` is asked, in the parent, at every `checkInterval`.
    ///
    /// A `room` is for connections that workers hand in; a process of its own holds them. `ended`
    /// is told of each process of the pool that is gone, by the process that was its parent.
    public init(
        _ options: PoolOptions, listeners: [Descriptor], room: WaitingRoom? = nil,
        load: @escaping () throws -> Loaded, isStale: @escaping (Loaded) -> Bool = { _ in false },
        ended: @escaping (pid_t) -> Void = { _ in }, worker: @escaping (Loaded) throws -> Serve
    ) {
        self.options = options
        self.listeners = listeners
        self.load = load
        self.isStale = isStale
        self.ended = ended
        self.worker = worker
        self.room = room
        keeper = room.map { RoomKeeper($0, listeners: listeners, name: options.name) }
        log = Log(options.name)
    }

    /// Serves until SIGTERM or SIGINT.
    /// - Throws: what the first `load` throws, or `SystemError` when the pool cannot begin.
    public func run() throws {
        var pool = self
        pool.recall = try Recall()
        if options.clientsSpeakFirst, room == nil {
            let room = try WaitingRoom()
            try room.open()
            pool.room = room
        }
        // Before anything is loaded, which it has no use for.
        keeper?.start()
        try pool.serve()
    }

    private func serve() throws {
        // Nothing but the parent holds what was loaded: it must go with its generation.
        let parent = try PoolParent(self, try load())
        for listener in listeners { try listener.setNonBlocking(true, "listener") }
        Signals.ignoreBrokenPipes()
        let signals = try SignalDescriptor([SIGTERM, SIGINT, SIGHUP, SIGCHLD])
        var generations = Generations(self, parent)
        parent.fill()
        announce()
        var isRunning = true
        while isRunning {
            try generations.wait(for: signals.borrowed)
            while let signal = try signals.next() {
                switch signal {
                case SIGCHLD: break
                case SIGHUP: generations.renew()
                default: isRunning = false
                }
            }
            generations.reap()
            if isRunning { generations.tend() }
        }
        generations.end()
    }

    private func announce() {
        guard let number = options.readyDescriptor else { return }
        let ready = OwnedDescriptor(number)
        let text = options.readyText.isEmpty ? "READY\n" : "READY \(options.readyText)\n"
        // Whoever started us and does not listen any more has no use for the word.
        try? ready.borrowed.writeAll(Array(text.utf8), "ready descriptor")
    }
}
