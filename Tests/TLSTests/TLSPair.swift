// TLSPair: a server and a client of one process, each in a thread of its own.
// SPDX-License-Identifier: MIT

import Foundation
import Glibc
import TestSupport
import UnixIO

@testable import TLS

/// Something that goes on in a thread.
final class Running<Value>: @unchecked Sendable {
    private let done = DispatchSemaphore(value: 0)
    private var result: Result<Value, any Error>?

    init(_ body: @escaping () throws -> Value) {
        nonisolated(unsafe) let body = body
        Thread.detachNewThread {
            self.result = Result { try body() }
            self.done.signal()
        }
    }

    /// What came of it.
    func value() throws -> Value {
        guard done.wait(timeout: .now() + 60) == .success, let result else {
            throw TestFailure("a thread does not end")
        }
        return try result.get()
    }
}

/// Two connected sockets.
final class Ends: Sendable {
    let one: OwnedDescriptor
    let other: OwnedDescriptor

    init() throws {
        signal(SIGPIPE, SIG_IGN)
        var ends: [Int32] = [-1, -1]
        guard socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &ends) == 0 else {
            throw TestFailure("no socketpair")
        }
        one = OwnedDescriptor(ends[0])
        other = OwnedDescriptor(ends[1])
    }

    var first: PatientStream { PatientStream(input: one.borrowed, output: one.borrowed) }
    var second: PatientStream { PatientStream(input: other.borrowed, output: other.borrowed) }
}

/// What both ends of a session said of it.
struct Session {
    let server: TLSStream
    let client: TLSStream
    let ends: Ends
}

extension Deadline {
    /// Soon enough to fail, late enough for a busy machine.
    static var soon: Deadline { .after(.seconds(30)) }
}

/// Brings a server and a client together.
func session(_ server: ServerContext, _ client: ServerTarget) throws -> Session {
    let ends = try Ends()
    nonisolated(unsafe) let context = server
    let other = Running { try TLSStream(context, over: ends.first, until: .soon) }
    let stream: TLSStream
    do {
        stream = try TLSStream(client, over: ends.second, until: .soon)
    } catch {
        _ = try? other.value()
        throw error
    }
    return Session(server: try other.value(), client: stream, ends: ends)
}

extension TLSStream {
    func say(_ text: String) throws { try write(Array(text.utf8), until: .soon) }

    /// The next bytes as text.
    func hear(until deadline: Deadline = .soon) throws -> String {
        var buffer = [UInt8](repeating: 0, count: 65_536)
        let got = try buffer.withUnsafeMutableBytes { bytes in
            try read(into: bytes, until: deadline, mayStop: false)
        }
        return String(decoding: buffer[..<got], as: UTF8.self)
    }
}

/// Keys and certificates for a name by themselves.
func selfSigned(_ name: String) throws -> Credential {
    try Credential(pem: SelfSigned.pem(for: name))
}

/// A client that takes any server, of these versions only.
func client(
    _ versions: ClosedRange<TLSVersion> = .version12 ... .version13,
    _ change: (inout ClientSettings) -> Void = { _ in }
) throws -> ClientContext {
    var settings = ClientSettings()
    settings.versions = versions
    change(&settings)
    return try ClientContext(settings)
}

let bothVersions: [ClosedRange<TLSVersion>] = [
    .version12 ... .version12, .version13 ... .version13,
]
