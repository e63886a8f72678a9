// ResidentConvention: a filter as a pool of workers behind a socket.
// filter-protocol(7).
// SPDX-License-Identifier: MIT

import Control
import Glibc
import MailModel
import UnixIO
import Workers

/// Loads once, forks workers, and answers one request at a time in each.
struct ResidentConvention<F: Filter> {
    let setup: Setup

    /// A client that began to speak has so long to end, and to take its answer.
    static var patience: Duration { .seconds(2) }

    /// A worker that takes longer for one request is killed by SIGALRM, and replaced.
    static var longestRequest: Duration { .seconds(600) }

    /// Serves until SIGTERM or SIGINT.
    func run() throws {
        guard let path = setup.options["serve"] else { return }
        var options = PoolOptions(name: F.name, workers: try setup.workers())
        let ready = try setup.options.integer("ready-fd", in: 1...65_535)
        options.clientsSpeakFirst = true
        options.readyDescriptor = ready.flatMap(Int32.init(exactly:))
        let longest = try setup.longestRequest() ?? Self.longestRequest
        // Rules that do not load must not leave a socket that nobody serves.
        var first: F? = try F(setup)
        options.checkInterval = first?.checkInterval
        let listener = try UnixSocket.listen(at: path, mode: 0o660)
        let setup = setup
        let pool = Pool<F>(
            options, listeners: [listener.borrowed],
            load: {
                defer { first = nil }
                return try first ?? F(setup)
            },
            isStale: { $0.isStale },
            worker: { loaded in
                var filter = loaded
                try filter.open()
                Watch.arm(UInt32(clamping: longest.components.seconds))
                return { connection, _, _ in serve(connection, &filter) }
            })
        try pool.run()
        withExtendedLifetime(listener) {}
    }

    /// Answers one connection. Without an answer the caller defers, so every failure here is
    /// only logged.
    private func serve(_ socket: consuming OwnedDescriptor, _ filter: inout F) {
        let connection = Connection(socket, "client")
        Watch.begin()
        defer { Watch.end() }
        do {
            try answer(connection, &filter)
        } catch ExchangeError.cutShort {
            // A client that only looked whether somebody is there.
        } catch {
            Log(F.name).event("bad-request", ["error": "\(error)"])
        }
    }

    private func answer(_ connection: borrowing Connection, _ filter: inout F) throws {
        // The pool gave it to us because there is something to read.
        let deadline = Deadline.after(Self.patience)
        var message = try Exchange.receive(
            on: connection, firstByte: deadline, deadline: deadline)
        var wire = try FilterRequest(message.fields)
        wire.isTrial = wire.isTrial || setup.checks
        guard let file = message.first.take() else {
            guard wire.stage < .message, wire.messageLength == 0 else {
                throw FieldsError.missing("message descriptor")
            }
            try reply(to: Request(wire, .memory([])), on: connection, &filter)
            return
        }
        let request = Request(
            wire,
            .file(file.borrowed, offset: wire.messageOffset, length: wire.messageLength))
        try reply(to: request, on: connection, &filter)
        withExtendedLifetime(file) {}
    }

    private func reply(
        to request: Request, on connection: borrowing Connection, _ filter: inout F
    ) throws(ExchangeError) {
        let judgement = Judgement.of(&filter, request, explains: setup.explains)
        judgement.explain(F.name)
        judgement.log(F.name, request)
        guard let written = judgement.replacement?.descriptor else {
            return try Exchange.send(
                judgement.record, on: connection, deadline: .after(Self.patience))
        }
        let file: OwnedDescriptor
        do throws(SystemError) {
            file = try Files.open("/proc/self/fd/\(written.rawValue)", O_RDONLY)
        } catch {
            throw .system(error)
        }
        try Exchange.send(
            judgement.record, descriptors: [file.borrowed], on: connection,
            deadline: .after(Self.patience))
        withExtendedLifetime(file) {}
    }
}
