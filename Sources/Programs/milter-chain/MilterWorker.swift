// MilterWorker: the process that talks to the MTA, with a thread for each connection.
// milter-chain(8).
// SPDX-License-Identifier: MIT

import Control
import FilterChain
import Glibc
import MailModel
import MilterServer
import UnixIO

/// Serves the one socket that was passed.
struct MilterWorker {
    private let options: Options
    private let root: Root

    init(_ options: Options) {
        self.options = options
        root = Root(options)
    }

    /// Until SIGTERM.
    /// - Throws: `UsageError`, what is wrong with the chain, `MilterLibraryError`.
    func run() throws {
        guard let socket = PassedSocket.all().first else {
            throw UsageError("--worker: no socket was passed")
        }
        let ready = try options.integer("ready-fd", in: 3...1023).map(Int32.init)
        let (root, filters) = (root, options["filters"])
        let server = try MilterServer(
            listener: Descriptor(rawValue: socket.number), MilterLimits(options),
            log: Log("milter-chain")
        ) {
            try MilterConfiguration(root, filters: filters)
        }
        try server.run {
            guard let ready else { return }
            // Whoever started us and does not listen any more has no use for the word.
            try? Descriptor(rawValue: ready).writeAll(Array("READY\n".utf8), "ready")
            close(ready)
        }
    }
}
