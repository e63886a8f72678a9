// ServerLine: the bytes to and from a server, with an end to every wait.
// RFC 5321, section 4.5.3.2; RFC 2920.
// SPDX-License-Identifier: MIT

import Glibc
import MailModel
import SMTPProtocol
import UnixIO

/// A connection whose other end may be anybody.
///
/// What it sends is read while we write, too: two ends that only write would wait for each
/// other. Bytes that are held are bounded by the replies that are due.
struct ServerLine: ~Copyable {
    /// How many bytes may be held unread for each reply that is due.
    static let bytesPerReply = 4096
    /// And how many besides.
    static let spareBytes = 65_536

    private let socket: OwnedDescriptor
    var limits: ClientLimits
    private var parser = ReplyParser()
    private var held = 0
    private var isOver = false
    private var takesNothing = false
    /// What everything goes through once TLS has begun.
    private var layer: (any SecureLayer)?

    init(_ socket: consuming OwnedDescriptor, _ limits: ClientLimits) {
        self.socket = socket
        self.limits = limits
    }

    /// True when the server sent something that was not yet read, or is gone.
    var hasInput: Bool { !parser.isEmpty || isOver }

    /// Sends all of the bytes. A connection that ends on the way is no error here: what the server
    /// said before is read by `reply`, and then the end. So many replies may come meanwhile; where
    /// none is due it returns as soon as anything comes.
    /// - Returns: true when every byte was sent.
    /// - Throws: `ClientError`.
    mutating func send(
        _ bytes: [UInt8], _ step: ClientStep, repliesDue: Int = 0
    ) throws(ClientError) -> Bool {
        let deadline = limits.deadline(of: step)
        let bytes = try sealed(bytes, step)
        let (product, overflow) = repliesDue.multipliedReportingOverflow(by: Self.bytesPerReply)
        let mostHeld = overflow ? Int.max - Self.spareBytes : product
        var sent = 0
        while sent < bytes.count, !isOver, !takesNothing {
            let ready = try wait(Int16(POLLIN | POLLOUT), until: deadline, step)
            if ready & ~Int16(POLLOUT) != 0 {
                try receive(step)
                if repliesDue == 0, hasInput { return false }
                guard held <= mostHeld + Self.spareBytes else { throw .malformed(step, .tooLong) }
            }
            if ready & Int16(POLLOUT) != 0, !isOver { sent += sendSome(bytes[sent...]) }
        }
        return sent == bytes.count
    }

    /// The next reply.
    mutating func reply(_ step: ClientStep) throws(ClientError) -> SMTPReply {
        let deadline = limits.deadline(of: step)
        while true {
            do throws(ReplyError) {
                if let reply = try parser.next() {
                    if parser.isEmpty { held = 0 }
                    return reply
                }
            } catch {
                throw .malformed(step, error)
            }
            guard !isOver else { throw .lost(step) }
            _ = try wait(Int16(POLLIN), until: deadline, step)
            try receive(step)
        }
    }

    /// Takes what has come already, without waiting.
    mutating func receiveWaiting(_ step: ClientStep) throws(ClientError) {
        var entry = pollfd(fd: socket.number, events: Int16(POLLIN), revents: 0)
        if !isOver, poll(&entry, 1, 0) > 0 { try receive(step) }
    }

    /// Begins TLS. Until the handshake is over nothing that comes is a word of the session.
    mutating func shakeHands(_ layer: any SecureLayer) throws(ClientError) {
        let deadline = limits.deadline(of: .handshake)
        var isDone = try layered(.handshake) { () throws(SecureLayerError) in
            try layer.shakeHands([])
        }
        while true {
            try sendNow(layer.takeOutput(), until: deadline)
            guard !isDone else { break }
            _ = try wait(Int16(POLLIN), until: deadline, .handshake)
            guard let bytes = receiveSome() else { continue }
            guard !bytes.isEmpty else { throw .lost(.handshake) }
            do throws(SecureLayerError) {
                isDone = try layer.shakeHands(bytes)
            } catch {
                // The other end is told why, if it still listens.
                try? sendNow(layer.takeOutput(), until: min(deadline, .after(.seconds(2))))
                throw .insecure(.handshake, error)
            }
        }
        self.layer = layer
        // What came with the last words of the handshake is held by the layer.
        try feed([], .handshake)
    }

    /// Sends while nothing but an end can come.
    private mutating func sendNow(
        _ bytes: [UInt8], until deadline: Deadline
    ) throws(ClientError) {
        var sent = 0
        while sent < bytes.count {
            _ = try wait(Int16(POLLOUT), until: deadline, .handshake)
            sent += sendSome(bytes[sent...])
            guard !takesNothing else { throw .lost(.handshake) }
        }
    }

    private func sealed(
        _ bytes: [UInt8], _ step: ClientStep
    ) throws(ClientError) -> [UInt8] {
        guard let layer else { return bytes }
        try layered(step) { () throws(SecureLayerError) in try layer.seal(bytes) }
        return layer.takeOutput()
    }

    private func layered<Value>(
        _ step: ClientStep, _ body: () throws(SecureLayerError) -> Value
    ) throws(ClientError) -> Value {
        do {
            return try body()
        } catch {
            throw .insecure(step, error)
        }
    }

    private func wait(
        _ events: Int16, until deadline: Deadline, _ step: ClientStep
    ) throws(ClientError) -> Int16 {
        while true {
            var entry = pollfd(fd: socket.number, events: events, revents: 0)
            let count = poll(&entry, 1, deadline.pollTimeout)
            if count > 0 { return entry.revents }
            guard count == 0 || errno == EINTR else { throw .lost(step) }
            if deadline.hasPassed { throw .timedOut(step) }
        }
    }

    private mutating func receive(_ step: ClientStep) throws(ClientError) {
        guard let bytes = receiveSome() else { return }
        guard !bytes.isEmpty else {
            isOver = true
            return
        }
        try feed(bytes, step)
    }

    /// Reads what came as words of the session.
    private mutating func feed(_ bytes: [UInt8], _ step: ClientStep) throws(ClientError) {
        guard let layer else { return take(bytes) }
        take(try layered(step) { () throws(SecureLayerError) in try layer.open(bytes) })
        if layer.isAtEnd { isOver = true }
    }

    private mutating func take(_ words: [UInt8]) {
        parser.feed(words)
        held += words.count
    }

    /// Some bytes; none at the end, and nil when there is nothing now.
    private func receiveSome() -> [UInt8]? {
        let number = socket.number
        var got = 0
        let bytes = [UInt8](unsafeUninitializedCapacity: 4096) { buffer, filled in
            got = recv(number, buffer.baseAddress, buffer.count, 0)
            filled = max(0, got)
        }
        return got < 0 && (errno == EINTR || errno == EAGAIN) ? nil : bytes
    }

    /// How many bytes the kernel took.
    private mutating func sendSome(_ bytes: ArraySlice<UInt8>) -> Int {
        let number = socket.number
        let taken = bytes.withUnsafeBytes {
            Glibc.send(number, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
        }
        if taken < 0, errno != EINTR, errno != EAGAIN {
            // What the server said before it went may still be there to be read.
            takesNothing = true
        }
        return max(0, taken)
    }
}
