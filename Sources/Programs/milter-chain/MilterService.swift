// MilterService: opens the sockets, and keeps steps and workers running.
// milter-chain(8).
// SPDX-License-Identifier: MIT

import Control
import FilterChain
import Glibc
import MailModel
import MilterServer
import UnixIO
import Workers

/// The process that the administrator starts. It speaks with nobody.
struct MilterService {
    private let options: Options
    private let root: Root
    private let log = Log("milter-chain")

    init(_ options: Options) {
        self.options = options
        root = Root(options)
    }

    /// Until SIGTERM or SIGINT.
    /// - Throws: `UsageError`, `ChainError`, `ControlError`, `SystemError`, `SupervisorError`.
    func run() throws {
        _ = try MilterLimits(options)
        // What is wrong is to be said before anything runs.
        let configuration = try MilterConfiguration(root, filters: options["filters"])
        let ready = try options.integer("ready-fd", in: 3...1023).map(Int32.init)
        let sockets = try sockets()
        let nothing = try Files.open("/dev/null", O_RDONLY)
        let workers = try sockets.map { try worker($0.socket, $0.place, nothing.borrowed) }
        let places = sockets.map(\.place)
        let say = {
            guard let ready else { return }
            let line = "READY \(places.joined(separator: " "))\n"
            // Whoever started us and does not listen any more has no use for the word.
            try? Descriptor(rawValue: ready).writeAll(Array(line.utf8), "ready")
            close(ready)
        }
        if options.has("steps-apart") {
            let log = log
            var supervisor = try Supervisor([workers], log: log) { name, _ in
                log.event("ready", ["service": name])
            }
            try supervisor.run(ready: say)
        } else {
            try ResidentSteps(chain: configuration.chain, root: root)
                .run(log: log, and: workers, ready: say)
        }
        withExtendedLifetime(nothing) {}
    }

    /// Those of the command line; without one those that were passed.
    private func sockets() throws -> [(socket: PassedSocket, place: String)] {
        let access = try SocketAccess(options)
        let places = try options.all("listen").map { text throws(UsageError) in
            guard let place = ListenPlace(text) else {
                throw UsageError("--listen \(text): neither ADDRESS:PORT nor a path from / on")
            }
            return place
        }
        let passed = PassedSocket.all()
        guard !places.isEmpty || !passed.isEmpty else {
            throw UsageError("--listen is missing, and no socket was passed")
        }
        if places.isEmpty {
            return passed.map { socket in
                let place = ListenPlace.endpoint(of: Descriptor(rawValue: socket.number))
                return (socket, place ?? socket.name)
            }
        }
        return try places.map { place in
            let socket = PassedSocket("milter", try place.listen(access).take())
            let endpoint = ListenPlace.endpoint(of: Descriptor(rawValue: socket.number))
            return (socket, endpoint ?? "\(place)")
        }
    }

    /// The process for one socket. It is the same program, of which SIGUSR1 makes it read its
    /// configuration again: for libmilter SIGHUP is the end.
    private func worker(
        _ socket: PassedSocket, _ place: String, _ nothing: Descriptor
    ) throws -> SupervisedProgram {
        guard let program = Programs.find("milter-chain") else {
            throw UsageError("milter-chain: no such program beside this one or in PATH")
        }
        var arguments = ["--worker"] + root.arguments
        for name in [
            "filters", "sessions", "command-timeout", "message-timeout", "delay-limit",
            "delayed-sessions", "message-size", "idle-timeout",
        ] {
            if let value = options[name] { arguments += ["--\(name)", value] }
        }
        var command = Command(
            program, arguments, environment: ResidentSteps.environment(root))
        command.descriptors = [0: nothing.rawValue]
        command.sockets = [socket]
        var worker = SupervisedProgram("milter \(place)", command)
        worker.reloadSignal = SIGUSR1
        return worker
    }
}
