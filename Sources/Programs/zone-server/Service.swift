// Service: answers datagrams and connections until it is told to end.
// zone-server(8).
// SPDX-License-Identifier: MIT

import Glibc
import MailModel
import UnixIO

struct Service: ~Copyable {
    /// How long a client of a connection may take for its query.
    static let patience = Duration.seconds(2)

    let sockets: Sockets
    let file: String
    let log: Log
    var zone: Zone

    /// Returns when SIGTERM or SIGINT comes.
    mutating func run(_ signals: borrowing SignalDescriptor) throws(SystemError) {
        while true {
            var entries = [
                signals.borrowed.rawValue, sockets.datagrams.number, sockets.streams.number,
            ]
            .map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
            _ = try retrying("poll", "sockets") { poll(&entries, 3, -1) }
            if entries[0].revents != 0, let signal = try signals.next() {
                guard signal == SIGHUP else { return }
                reload()
            }
            if entries[1].revents != 0 { answerDatagram() }
            if entries[2].revents != 0 { answerConnection() }
        }
    }

    /// Takes the file's new content; one that cannot be read leaves the old in place.
    private mutating func reload() {
        do {
            zone = try Zone(file: try Files.contents(of: file))
            log.event("reloaded", ["file": file])
        } catch {
            log.event("not-reloaded", ["file": file, "reason": "\(error)"])
        }
    }

    private func answerDatagram() {
        var peer = sockaddr_storage()
        var size = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let socket = sockets.datagrams.number
        withUnsafeMutablePointer(to: &peer) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                let query = [UInt8](unsafeUninitializedCapacity: 65_535) { buffer, filled in
                    filled = max(
                        0, recvfrom(socket, buffer.baseAddress, buffer.count, 0, address, &size))
                }
                guard let answer = zone.response(to: query, isDatagram: true) else { return }
                // A client that is gone is no concern of ours.
                _ = sendto(socket, answer, answer.count, Int32(MSG_NOSIGNAL), address, size)
            }
        }
    }

    private func answerConnection() {
        let deadline = Deadline.after(Service.patience)
        do throws(SystemError) {
            let connection = try UnixSocket.accept(sockets.streams.borrowed, "client")
            var received = Received()
            while !Service.isWhole(received.bytes) {
                let got = try connection.receive(into: &received, limit: 65_537, deadline: deadline)
                guard got > 0 else { return }
            }
            let query = Array(received.bytes.dropFirst(2))
            guard let answer = zone.response(to: query, isDatagram: false) else { return }
            let length = [UInt8(truncatingIfNeeded: answer.count >> 8), UInt8(answer.count & 255)]
            try connection.send(length + answer, deadline: deadline)
        } catch {
            log.event("client-lost", ["reason": "\(error)"])
        }
    }

    private static func isWhole(_ bytes: [UInt8]) -> Bool {
        bytes.count >= 2 && bytes.count >= 2 + (Int(bytes[0]) << 8 | Int(bytes[1]))
    }
}
