// FakeSpamServer: a spamd or rspamd that answers as a test wants it to, or does not.
// SPDX-License-Identifier: MIT

import Foundation
import Glibc
import SpamScoring
import TestSupport
import UnixIO

/// A server on a port that the kernel chose, or on a Unix socket.
final class FakeSpamServer: @unchecked Sendable {
    enum Manner: Sendable {
        /// Reads a whole request and answers with these bytes.
        case reply(String)
        /// The same with this question of a user.
        case replies(@Sendable (String) -> String)
        /// Answers before it has read anything, and closes.
        case hasty(String)
        /// Answers, and keeps the connection without end.
        case keeps(String)
        /// A byte now and then, without end.
        case drip
        /// Closes at once.
        case close
        /// Says nothing until the client goes away.
        case hang
    }

    /// `127.0.0.1:PORT`, or the path.
    let address: String
    private let listener: OwnedDescriptor
    private let lock = NSLock()
    private var seen: [String] = []

    init(_ manner: Manner, path: String? = nil) throws {
        if let path {
            listener = try UnixSocket.listen(at: path)
            address = path
        } else {
            guard let any = InternetEndpoint(address: [127, 0, 0, 1], port: 0) else {
                throw TestFailure("no endpoint")
            }
            listener = try InternetSocket.listen(on: any, "spamd", patience: .seconds(60))
            address = "127.0.0.1:\(InternetSocket.localEndpoint(of: listener.borrowed)?.port ?? 0)"
        }
        let number = listener.number
        Thread.detachNewThread { [weak self] in
            signal(SIGPIPE, SIG_IGN)
            while true {
                let socket = accept(number, nil, nil)
                guard socket >= 0, let self else { return }
                // One that waits keeps no other client waiting.
                Thread.detachNewThread {
                    try? self.serve(Connection(OwnedDescriptor(socket), "client"), manner)
                }
            }
        }
    }

    deinit { shutdown(listener.number, Int32(SHUT_RDWR)) }

    /// The place for the library.
    func place() throws -> ServerPlace {
        guard let place = ServerPlace(Array(address.utf8)) else { throw TestFailure("no place") }
        return place
    }

    /// Each whole request that came.
    var requests: [String] { lock.withLock { seen } }

    private func serve(_ connection: consuming Connection, _ manner: Manner) throws {
        let deadline = Deadline.after(.seconds(30))
        switch manner {
        case .close: return
        case .hasty(let text):
            try connection.send(Array(text.utf8), deadline: deadline)
        case .reply(let text):
            _ = try request(connection, deadline)
            try connection.send(Array(text.utf8), deadline: deadline)
        case .replies(let answer):
            let text = answer(try request(connection, deadline))
            try connection.send(Array(text.utf8), deadline: deadline)
        case .keeps(let text):
            _ = try request(connection, deadline)
            try connection.send(Array(text.utf8), deadline: deadline)
            try wait(for: connection, deadline)
        case .drip:
            _ = try request(connection, deadline)
            while !deadline.hasPassed {
                try connection.send([0x53], deadline: deadline)
                usleep(20_000)
            }
        case .hang: try wait(for: connection, deadline)
        }
    }

    private func wait(for connection: borrowing Connection, _ deadline: Deadline) throws {
        var received = Received()
        while try connection.receive(into: &received, limit: 65_536, deadline: deadline) > 0 {}
        // Its output has ended, but it may still wait.
        var entry = pollfd(fd: connection.descriptor.number, events: 0, revents: 0)
        poll(&entry, 1, deadline.pollTimeout)
    }

    /// Up to the end of the body that the header announces.
    private func request(_ connection: borrowing Connection, _ deadline: Deadline) throws -> String
    {
        var received = Received()
        while true {
            let text = String(decoding: received.bytes, as: UTF8.self)
            if let end = text.range(of: "\r\n\r\n"),
                let length = text[..<end.lowerBound].lowercased()
                    .firstMatch(of: /content-length: (\d+)/).flatMap({ Int($0.output.1) }),
                text[end.upperBound...].utf8.count >= length
            {
                lock.withLock { seen.append(text) }
                return text
            }
            guard
                try connection.receive(into: &received, limit: 65_536, deadline: deadline) > 0
            else { throw TestFailure("a request that is cut short") }
        }
    }
}

/// Answers of the two servers.
enum Answer {
    static func spamd(_ score: String, _ required: String = "5.0", tests: String = "") -> String {
        let isSpam = (Double(score) ?? 0) >= (Double(required) ?? 0)
        return "SPAMD/1.1 0 EX_OK\r\nContent-length: \(tests.utf8.count)\r\n"
            + "Spam: \(isSpam ? "True" : "False") ; \(score) / \(required)\r\n\r\n\(tests)"
    }

    static func http(_ body: String, status: String = "200 OK") -> String {
        "HTTP/1.1 \(status)\r\nContent-Type: application/json\r\n"
            + "Content-Length: \(body.utf8.count)\r\nConnection: close\r\n\r\n\(body)"
    }

    static func rspamd(_ score: String, _ action: String, _ more: String = "") -> String {
        http(
            #"{"is_skipped":false,"score":\#(score),"required_score":15,"action":"\#(action)","#
                + #""symbols":{"A_RULE":{"name":"A_RULE","score":1}}\#(more)}"#)
    }
}
