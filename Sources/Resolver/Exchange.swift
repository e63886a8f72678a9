// Exchange: one question to one server and its answer, by UDP, by TCP when that was too small.
// RFC 1035, section 4.2; RFC 6891; RFC 7766.
// SPDX-License-Identifier: MIT

import CResolv
import Control
import Glibc
import SystemPackage
import UnixIO

struct Exchange {
    let server: Endpoint
    let question: Question
    let deadline: Deadline
    var asksForAD = false

    /// The answer, whatever its code.
    func run() throws(ResolverError) -> Message {
        var message = try datagram(payload: Resolver.datagramSize)
        // RFC 6891, section 7: FORMERR and NOTIMP mean that the server has no EDNS.
        if let code = message?.code, code == 1 || code == 4 { message = try datagram(payload: 0) }
        guard let message, !message.isTruncated else { return try stream() }
        return message
    }

    /// The answer by UDP; nil when it was cut within a record, so that only TCP can tell.
    private func datagram(payload: UInt16) throws(ResolverError) -> Message? {
        let id = UInt16(truncatingIfNeeded: Random.bits)
        let query = try question.query(id: id, payload: payload, asksForAD: asksForAD)
        let socket = try connect(SOCK_DGRAM)
        try system { () throws(SystemError) in
            _ = try retrying("send", "\(server)") {
                send(socket.number, query, query.count, Int32(MSG_NOSIGNAL))
            }
        }
        while true {
            let bytes = try receive(socket, limit: 65_535)
            if let message = Message(bytes) {
                if message.answers(question, id: id) { return message }
                // Not the answer to this query: a stray or a forgery. Wait on.
            } else if bytes.starts(with: [UInt8(id >> 8), UInt8(id & 255)]) {
                // An answer that cannot be read would otherwise look like silence.
                let isTruncated = bytes.count > 2 && bytes[2] & 0x02 != 0
                guard isTruncated else { throw .malformed }
                return nil
            }
        }
    }

    private func stream() throws(ResolverError) -> Message {
        let id = UInt16(truncatingIfNeeded: Random.bits)
        let query = try question.query(
            id: id, payload: Resolver.datagramSize, asksForAD: asksForAD)
        let socket = try connect(SOCK_STREAM)
        try wait(socket, .toWrite)
        let error = cresolv_connect_error(socket.number)
        guard error == 0 else {
            throw .network("connect \(server): \(Errno(rawValue: error))")
        }
        let size = UInt16(truncatingIfNeeded: query.count)
        try write([UInt8(size >> 8), UInt8(size & 255)] + query, to: socket)
        let prefix = try read(2, from: socket)
        let length = Int(prefix[0]) << 8 | Int(prefix[1])
        let bytes = try read(length, from: socket)
        guard let message = Message(bytes), message.answers(question, id: id),
            !message.isTruncated
        else { throw .malformed }
        return message
    }

    private func connect(_ type: __socket_type) throws(ResolverError) -> OwnedDescriptor {
        let address = server.address.bytes
        let number = cresolv_connect(
            Int32(type.rawValue), address, address.count, server.port)
        guard number >= 0 else {
            throw .network(SystemError.last("connect", "\(server)").description)
        }
        return OwnedDescriptor(number)
    }

    private func wait(
        _ socket: borrowing OwnedDescriptor, _ readiness: Descriptor.Readiness
    ) throws(ResolverError) {
        let descriptor = socket.borrowed
        let isReady = try system { () throws(SystemError) in
            try descriptor.wait(readiness, until: deadline, "\(server)")
        }
        guard isReady else { throw .timedOut }
    }

    /// One datagram, or what a stream has now; none at its end.
    private func receive(
        _ socket: borrowing OwnedDescriptor, limit: Int
    ) throws(ResolverError) -> [UInt8] {
        while true {
            try wait(socket, .toRead)
            var got = -1
            let number = socket.number
            let bytes = [UInt8](unsafeUninitializedCapacity: limit) { buffer, filled in
                got = recv(number, buffer.baseAddress, limit, 0)
                filled = max(0, got)
            }
            if got >= 0 { return bytes }
            let error = SystemError.last("recv", "\(server)")
            let isMomentary: [Errno] = [.interrupted, .wouldBlock, .resourceTemporarilyUnavailable]
            guard isMomentary.contains(error.errno) else { throw .network(error.description) }
        }
    }

    private func read(
        _ count: Int, from socket: borrowing OwnedDescriptor
    ) throws(ResolverError) -> [UInt8] {
        var bytes: [UInt8] = []
        while bytes.count < count {
            let more = try receive(socket, limit: count - bytes.count)
            guard !more.isEmpty else { throw .malformed }
            bytes += more
        }
        return bytes
    }

    private func write(
        _ bytes: [UInt8], to socket: borrowing OwnedDescriptor
    ) throws(ResolverError) {
        var rest = bytes[...]
        while !rest.isEmpty {
            try wait(socket, .toWrite)
            let sent = rest.withUnsafeBytes {
                send(socket.number, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            if sent >= 0 {
                rest = rest.dropFirst(sent)
                continue
            }
            let error = SystemError.last("send", "\(server)")
            guard error.errno == .interrupted || error.errno == .wouldBlock else {
                throw .network(error.description)
            }
        }
    }

    private func system<Result>(
        _ body: () throws(SystemError) -> Result
    ) throws(ResolverError) -> Result {
        do {
            return try body()
        } catch {
            throw .network(error.description)
        }
    }
}
