// ProxyHeader+Socket: takes a header off a connection, and not a byte more.
// smtp-server(8), section Proxies.
// SPDX-License-Identifier: MIT

import Glibc
import MailModel
import UnixIO

extension ProxyHeader {
    /// Why there is none.
    enum Missing: Error, Equatable {
        /// What came is none.
        case malformed(String)
        /// It did not come in time.
        case timedOut
        /// The proxy went away.
        case gone
    }

    /// Takes the header with which the connection must begin.
    static func take(from socket: Descriptor, until deadline: Deadline) throws(Missing)
        -> ProxyHeader
    {
        let input = ProxyInput(socket: socket, deadline: deadline)
        do throws(Malformed) {
            // Six bytes say which version it is, and each header has more.
            let start = try input.exactly(word.count)
            if start == word { return try ProxyHeader(line: try input.line(after: start)) }
            guard start == Array(signature.prefix(word.count)) else {
                throw Malformed(reason: "no header")
            }
            let fixed = start + (try input.exactly(fixedLength - start.count))
            return try ProxyHeader(binary: fixed + (try input.exactly(try rest(after: fixed))))
        } catch {
            if let missing = input.missing { throw missing }
            throw .malformed(error.reason)
        }
    }
}

/// Bytes of a connection that are taken one piece after the other.
private final class ProxyInput {
    private let socket: Descriptor
    private let deadline: Deadline
    private(set) var missing: ProxyHeader.Missing?

    init(socket: Descriptor, deadline: Deadline) {
        self.socket = socket
        self.deadline = deadline
    }

    func exactly(_ count: Int) throws(ProxyHeader.Malformed) -> [UInt8] {
        var bytes: [UInt8] = []
        while bytes.count < count { bytes += try some(atMost: count - bytes.count, flags: 0) }
        return bytes
    }

    /// Up to CRLF, which is taken too and left out.
    func line(after start: [UInt8]) throws(ProxyHeader.Malformed) -> [UInt8] {
        var line = start
        while true {
            let room = ProxyHeader.longestLine - line.count
            guard room > 0 else { throw ProxyHeader.Malformed(reason: "the line is too long") }
            let seen = try some(atMost: room, flags: Int32(MSG_PEEK))
            let count = seen.firstIndex(of: 0x0A).map { $0 + 1 } ?? seen.count
            line += try exactly(count)
            guard line.last == 0x0A else { continue }
            guard line.dropLast().last == 0x0D else {
                throw ProxyHeader.Malformed(reason: "the line does not end in CRLF")
            }
            return Array(line.dropLast(2))
        }
    }

    /// At least one byte.
    private func some(atMost count: Int, flags: Int32) throws(ProxyHeader.Malformed) -> [UInt8] {
        var got = 0
        let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            repeat {
                let isThere = try? socket.wait(.toRead, until: deadline, "proxy")
                guard isThere == true else {
                    missing = isThere == nil ? .gone : .timedOut
                    return
                }
                got = recv(
                    socket.rawValue, buffer.baseAddress, count, flags | Int32(MSG_DONTWAIT))
            } while got < 0 && (errno == EINTR || errno == EAGAIN)
            filled = max(0, got)
        }
        if got <= 0, missing == nil { missing = .gone }
        guard missing == nil else { throw ProxyHeader.Malformed(reason: "") }
        return bytes
    }
}
