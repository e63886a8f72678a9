// FakeClamd: a clamd that answers as a test wants it to, or does not.
// SPDX-License-Identifier: MIT

import Foundation
import Glibc
import Scanning
import TestSupport
import UnixIO

/// A server on a Unix socket or on a port that the kernel chose.
final class FakeClamd: @unchecked Sendable {
    /// What it got: the command, what came after it, and how long a file that came along is.
    struct Visit: Equatable {
        var command: String
        var bytes: [UInt8]
        var fileSize: Int?
    }

    enum Manner: Sendable {
        /// Reads everything and answers with these bytes.
        case reply(String)
        /// Does not know FILDES, and answers a stream so.
        case streamsOnly(String)
        /// Answers before it has read anything, and closes.
        case hasty(String)
        /// Closes at once.
        case close
        /// Says nothing until the client goes away.
        case hang
    }

    let address: ClamdAddress
    private let listener: OwnedDescriptor
    private let lock = NSLock()
    private var seen: [Visit] = []

    /// Listens at a path, or without one on 127.0.0.1.
    init(_ manner: Manner, path: String? = nil) throws {
        if let path {
            listener = try UnixSocket.listen(at: path)
            address = .local(path)
        } else {
            guard let any = InternetEndpoint(address: [127, 0, 0, 1], port: 0) else {
                throw TestFailure("no endpoint")
            }
            listener = try InternetSocket.listen(on: any, "clamd", patience: .seconds(60))
            let port = InternetSocket.localEndpoint(of: listener.borrowed)?.port ?? 0
            guard let address = ClamdAddress(Array("127.0.0.1:\(port)".utf8)) else {
                throw TestFailure("no address")
            }
            self.address = address
        }
        let number = listener.number
        Thread.detachNewThread { [weak self] in
            signal(SIGPIPE, SIG_IGN)
            while true {
                let socket = accept(number, nil, nil)
                guard socket >= 0, let self else { return }
                try? self.serve(Connection(OwnedDescriptor(socket), "client"), manner)
            }
        }
    }

    deinit { shutdown(listener.number, Int32(SHUT_RDWR)) }

    var visits: [Visit] { lock.withLock { seen } }

    private func serve(_ connection: consuming Connection, _ manner: Manner) throws {
        let deadline = Deadline.after(.seconds(30))
        if case .close = manner { return }
        if case .hasty(let text) = manner {
            try connection.send(Array(text.utf8), deadline: deadline)
            return
        }
        var received = Received()
        while !received.bytes.contains(0) {
            guard try connection.receive(into: &received, limit: 1024, deadline: deadline) > 0
            else { return }
        }
        let parts = received.bytes.split(
            separator: 0, maxSplits: 1, omittingEmptySubsequences: false)
        let command = String(decoding: parts[0], as: UTF8.self)
        if case .hang = manner {
            while try connection.receive(into: &received, limit: 1024, deadline: deadline) > 0 {}
            return
        }
        if case .streamsOnly = manner, command == "zFILDES" {
            note(Visit(command: command, bytes: [], fileSize: nil))
            try connection.send(Array("UNKNOWN COMMAND\0".utf8), deadline: deadline)
            return
        }
        received.bytes = Array(parts[1])
        var visit = Visit(command: command, bytes: [], fileSize: nil)
        if command == "zFILDES" {
            while received.first == nil {
                _ = try connection.receive(into: &received, limit: 1, deadline: deadline)
            }
            if let file = received.first.take() {
                let size = Int(try file.borrowed.status("file").st_size)
                visit.bytes = try file.borrowed.bytes(at: 0, count: size, "file")
                visit.fileSize = size
            }
        } else {
            visit.bytes = try stream(connection, received.bytes, deadline)
        }
        note(visit)
        switch manner {
        case .reply(let text), .streamsOnly(let text):
            try connection.send(Array(text.utf8), deadline: deadline)
        case .hasty, .close, .hang: break
        }
    }

    private func note(_ visit: Visit) { lock.withLock { seen.append(visit) } }

    /// The pieces of a stream, put together.
    private func stream(
        _ connection: borrowing Connection, _ first: [UInt8], _ deadline: Deadline
    ) throws -> [UInt8] {
        var all = first
        var position = 0
        var content: [UInt8] = []
        while true {
            if all.count >= position + 4 {
                let size = all[position..<(position + 4)].reduce(0) { $0 << 8 | Int($1) }
                if size == 0 { return content }
                if all.count >= position + 4 + size {
                    content += all[(position + 4)..<(position + 4 + size)]
                    position += 4 + size
                    continue
                }
            }
            var received = Received()
            guard
                try connection.receive(into: &received, limit: 1 << 17, deadline: deadline) > 0
            else { throw TestFailure("the stream was cut short") }
            all += received.bytes
        }
    }
}
