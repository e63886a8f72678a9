// RedisConnection: one connection to a Redis server, with a deadline for everything.
// hiredis.h; the protocol RESP2.
// SPDX-License-Identifier: MIT

import CHiredis
import Glibc
import MailModel
import UnixIO

/// What Redis replies.
indirect enum RedisReply: Equatable {
    case text([UInt8])
    case number(Int)
    case list([RedisReply])
    /// `NOSCRIPT No matching script.` and the like.
    case error(String)
    case null
}

/// A connection of this process. One that failed is to be thrown away: a reply may still come.
final class RedisConnection {
    /// The most bytes of one reply: a page of keys and values.
    private static let longestReply = 8 << 20

    private let connection: Connection
    private let reader: UnsafeMutablePointer<redisReader>
    private let process = getpid()

    /// Takes over a connected socket.
    init(_ connection: consuming Connection) throws(SystemError) {
        guard let reader = RedisReader.make() else {
            throw SystemError("redisReaderCreateWithFunctions", connection.object, .noMemory)
        }
        self.connection = connection
        self.reader = reader
    }

    deinit { redisReaderFree(reader) }

    /// True in the process that opened it.
    var isOurs: Bool { process == getpid() }

    /// True when the server has closed it, or said something that nobody asked for.
    var isStale: Bool {
        var entry = pollfd(fd: connection.descriptor.number, events: Int16(POLLIN), revents: 0)
        return poll(&entry, 1, 0) != 0
    }

    /// Sends a command and waits for its reply.
    /// - Throws: `CounterError.lost` when there is none by the deadline.
    func call(_ words: [[UInt8]], until deadline: Deadline) throws(CounterError) -> RedisReply {
        do throws(SystemError) {
            try connection.send(try RedisConnection.command(words), deadline: deadline)
            var left = RedisConnection.longestReply
            while true {
                if let reply = try next() { return reply }
                left -= try receive(until: deadline)
                guard left > 0 else {
                    throw SystemError("recvmsg", connection.object, .messageTooLong)
                }
            }
        } catch {
            throw .lost(error.description)
        }
    }

    private static func command(_ words: [[UInt8]]) throws(SystemError) -> [UInt8] {
        var all: [UInt8] = []
        all.reserveCapacity(words.reduce(0) { $0 + $1.count })
        for word in words { all += word }
        let lengths = words.map(\.count)
        var result: [UInt8] = []
        all.withUnsafeBytes { buffer in
            // An empty word needs a place too.
            let base = buffer.baseAddress ?? UnsafeRawPointer(bitPattern: 1)
            var place = 0
            var pointers = lengths.map { length in
                defer { place += length }
                return base.map { ($0 + place).assumingMemoryBound(to: CChar.self) }
            }
            var target: UnsafeMutablePointer<CChar>?
            let count = redisFormatCommandArgv(
                &target, Int32(clamping: words.count), &pointers, lengths)
            guard count > 0, let target else { return }
            result = Array(UnsafeRawBufferPointer(start: target, count: Int(count)))
            redisFreeCommand(target)
        }
        guard !result.isEmpty else { throw SystemError("redisFormatCommandArgv", "", .noMemory) }
        return result
    }

    private func receive(until deadline: Deadline) throws(SystemError) -> Int {
        var received = Received()
        let count = try connection.receive(into: &received, limit: 16_384, deadline: deadline)
        guard count > 0 else { throw SystemError("recvmsg", connection.object, .connectionReset) }
        guard redisReaderFeed(reader, received.bytes, received.bytes.count) == REDIS_OK else {
            throw SystemError("redisReaderFeed", connection.object, .noMemory)
        }
        return count
    }

    private func next() throws(SystemError) -> RedisReply? {
        var reply: UnsafeMutableRawPointer?
        guard redisReaderGetReply(reader, &reply) == REDIS_OK else {
            throw SystemError("redisReaderGetReply", connection.object, .protocolError)
        }
        guard let reply else { return nil }
        defer { freeReplyObject(reply) }
        return RedisReply(reply.assumingMemoryBound(to: redisReply.self).pointee)
    }
}

extension RedisReply {
    fileprivate init(_ reply: redisReply) {
        let bytes = reply.str.map { Array(UnsafeRawBufferPointer(start: $0, count: reply.len)) }
        switch reply.type {
        case REDIS_REPLY_STRING, REDIS_REPLY_STATUS: self = .text(bytes ?? [])
        case REDIS_REPLY_ERROR: self = .error((bytes ?? []).printable)
        case REDIS_REPLY_INTEGER: self = .number(Int(reply.integer))
        case REDIS_REPLY_ARRAY:
            // The library reads no deeper than seven lists.
            self = .list(
                (0..<reply.elements).map { index in
                    reply.element?[index].map { RedisReply($0.pointee) } ?? .null
                })
        default: self = .null
        }
    }
}
