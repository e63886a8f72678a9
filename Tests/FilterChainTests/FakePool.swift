// FakePool: the socket of a resident step, with whatever behaviour a test wants behind it.
// filter-protocol(7).
// SPDX-License-Identifier: MIT

import Foundation
import MailModel
import UnixIO
import Workers

/// Serves a socket in a thread until the value ends.
final class FakePool: @unchecked Sendable {
    private let lock = NSLock()
    private var seen: [FilterRequest] = []
    private let path: String

    /// The requests so far.
    var requests: [FilterRequest] { lock.withLock { seen } }

    /// Answers each request by sending what the closure makes of it.
    init(
        _ path: String,
        answer: @escaping @Sendable (FilterRequest, borrowing Connection) throws -> Void
    ) throws {
        self.path = path
        let listener = try UnixSocket.listen(at: path)
        let number = listener.take()
        Thread.detachNewThread { [weak self] in
            while true {
                guard
                    let connection = try? UnixSocket.accept(Descriptor(rawValue: number), path),
                    let owner = self
                else { break }
                owner.serve(connection, answer)
            }
            close(number)
        }
    }

    deinit {
        // Wakes the thread, which finds nobody to serve for.
        _ = try? UnixSocket.connect(to: path, deadline: .after(.seconds(5)))
    }

    /// Answers every request with this record.
    convenience init(_ path: String, _ verdict: Verdict) throws {
        try self.init(path) { _, connection in
            try connection.send(FilterReply(verdict).frame)
        }
    }

    private func serve(
        _ connection: borrowing Connection,
        _ answer: (FilterRequest, borrowing Connection) throws -> Void
    ) {
        do {
            let message = try Exchange.receive(on: connection, deadline: .after(.seconds(30)))
            let request = try FilterRequest(message.fields)
            lock.withLock { seen.append(request) }
            try answer(request, connection)
        } catch {
            // The test sees that no answer came.
        }
    }
}
