// Connection: one end of a stream socket between two of our processes.
// sendmsg(2), recvmsg(2), SCM_RIGHTS.
// SPDX-License-Identifier: MIT

import CUnix
import Glibc
import SystemPackage

/// What was received: bytes, and at most two descriptors that came along.
public struct Received: ~Copyable {
    /// The bytes.
    public var bytes: [UInt8] = []
    /// The first descriptor that came along.
    public var first: OwnedDescriptor?
    /// The second.
    public var second: OwnedDescriptor?

    /// Nothing yet.
    public init() {}
}

/// A connected stream socket, owned.
public struct Connection: ~Copyable {
    /// The socket.
    public let descriptor: OwnedDescriptor
    /// The path it leads to, for errors.
    public let object: String

    /// Takes over a connected socket.
    public init(_ descriptor: consuming OwnedDescriptor, _ object: String) {
        self.descriptor = descriptor
        self.object = object
    }

    /// Sends all of the bytes; the descriptors travel with the first of them.
    /// - Throws: `SystemError`; `ETIMEDOUT` when the other end takes nothing until the deadline.
    public func send(
        _ bytes: [UInt8], descriptors: [Descriptor] = [], deadline: Deadline = .never
    ) throws(SystemError) {
        let numbers = descriptors.map(\.rawValue)
        var sent = 0
        while sent < bytes.count {
            let isFirst = sent == 0
            let result = bytes.withUnsafeBytes { buffer in
                cunix_send(
                    descriptor.number, buffer.baseAddress.map { $0 + sent }, buffer.count - sent,
                    numbers, isFirst ? numbers.count : 0)
            }
            if result >= 0 {
                sent += result
                continue
            }
            try recover("sendmsg", .toWrite, deadline)
        }
    }

    /// Receives at least one byte, or none at the end, and what descriptors come along. A third
    /// descriptor is closed. What `isExpected` to be there already is not waited for before it is
    /// read, which saves a call when it is.
    /// - Throws: `SystemError`; `ETIMEDOUT` when nothing comes until the deadline.
    public func receive(
        into received: inout Received, limit: Int, deadline: Deadline, isExpected: Bool = false
    ) throws(SystemError) -> Int {
        if !isExpected, deadline != .never {
            guard try descriptor.borrowed.wait(.toRead, until: deadline, object) else {
                throw .timedOut("recvmsg", object)
            }
        }
        while true {
            if let got = receiveNow(into: &received, limit: limit) { return got }
            try recover("recvmsg", .toRead, deadline)
        }
    }

    /// Receives what is there; nil with errno when nothing is, or it cannot be received.
    private func receiveNow(into received: inout Received, limit: Int) -> Int? {
        var numbers = (Int32(-1), Int32(-1), Int32(-1), Int32(-1))
        var count = 0
        var got = 0
        let bytes = [UInt8](unsafeUninitializedCapacity: limit) { buffer, filled in
            got = withUnsafeMutableBytes(of: &numbers) { numbers in
                cunix_receive(
                    descriptor.number, buffer.baseAddress, limit,
                    numbers.assumingMemoryBound(to: Int32.self).baseAddress, &count)
            }
            filled = max(0, got)
        }
        guard got >= 0 else { return nil }
        if received.bytes.isEmpty { received.bytes = bytes } else { received.bytes += bytes }
        let (first, second, third, fourth) = numbers
        for number in [first, second, third, fourth].prefix(count) {
            Connection.keep(OwnedDescriptor(number), &received)
        }
        return got
    }

    /// The user and process at the other end, as they were when it connected.
    public var peer: (pid: pid_t, uid: uid_t)? {
        var pid: pid_t = 0
        var uid: uid_t = 0
        return cunix_peer(descriptor.number, &pid, &uid) == 0 ? (pid, uid) : nil
    }

    private static func keep(_ descriptor: consuming OwnedDescriptor, _ received: inout Received) {
        if received.first == nil {
            received.first = consume descriptor
        } else if received.second == nil {
            received.second = consume descriptor
        }
    }

    /// After a call that failed: returns when it is worth another try, else throws.
    private func recover(
        _ call: String, _ readiness: Descriptor.Readiness, _ deadline: Deadline
    ) throws(SystemError) {
        let error = SystemError.last(call, object)
        if error.errno == .interrupted { return }
        guard error.errno == .wouldBlock || error.errno == .resourceTemporarilyUnavailable else {
            throw error
        }
        guard try descriptor.borrowed.wait(readiness, until: deadline, object) else {
            throw .timedOut(call, object)
        }
    }
}
