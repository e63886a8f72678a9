// PatientStream: a client's connection, where every wait has an end.
// read(2), write(2), socket(7).
// SPDX-License-Identifier: MIT

import CUnix
import Glibc
import SystemPackage

/// Why a stream cannot be used any more.
public enum StreamError: Error, Hashable, Sendable {
    /// The other end closed it or vanished.
    case closed
    /// The deadline passed.
    case timedOut
    /// This process was told to stop while nothing came.
    case stopping
    /// The kernel said no.
    case failed(SystemError)
}

/// Two descriptors of one connection. They are borrowed: whoever has them closes them.
///
/// A socket with patience (`InternetSocket.setPatience`) costs one system call a read: the call
/// itself waits, comes back now and then, and only then is the clock looked at. Whatever has no
/// patience is polled.
public struct PatientStream: Sendable {
    private let input: Descriptor
    private let output: Descriptor
    private let isPolled: Bool

    /// A stream on a socket that has patience already.
    public init(socket: Descriptor) {
        input = socket
        output = socket
        isPolled = false
    }

    /// A stream on a pair such as descriptors 0 and 1: sockets, pipes or terminals.
    public init(input: Descriptor, output: Descriptor) {
        self.input = input
        self.output = output
        do {
            try InternetSocket.setPatience(of: input, .seconds(1), "input")
            try InternetSocket.setPatience(of: output, .seconds(1), "output")
            isPolled = false
        } catch {
            isPolled = true
        }
    }

    /// Reads what has come, and waits for it where nothing has; at least one byte. While nothing
    /// comes it gives up when this process was told to stop, with `mayStop` at once, else at the
    /// last call: see `Stop`.
    /// - Throws: `StreamError`; the end of the stream is `.closed`.
    public func read(
        into buffer: UnsafeMutableRawBufferPointer, until deadline: Deadline, mayStop: Bool
    ) throws(StreamError) -> Int {
        let givesUp = { mayStop ? Stop.hasCome : Stop.isLastCall }
        while true {
            // A client that always has one more byte must not outlive its time either.
            if deadline.hasPassed { throw .timedOut }
            if isPolled { try poll(input, .toRead, until: deadline, givesUp) }
            let got = Glibc.read(input.rawValue, buffer.baseAddress, buffer.count)
            if got > 0 { return got }
            if got == 0 { throw .closed }
            try goOn(until: deadline, givesUp)
        }
    }

    /// Writes all of the bytes.
    /// - Throws: `StreamError`.
    public func write(_ bytes: [UInt8], until deadline: Deadline) throws(StreamError) {
        var written = 0
        while written < bytes.count {
            if isPolled { try poll(output, .toWrite, until: deadline) { false } }
            let result = bytes.withUnsafeBytes { buffer in
                Glibc.write(
                    output.rawValue, buffer.baseAddress.map { $0 + written },
                    buffer.count - written)
            }
            if result >= 0 {
                written += result
            } else {
                try goOn(until: deadline) { false }
            }
        }
    }

    /// Waits without reading, so that what the other end says meanwhile is kept; for less when this
    /// process is told to stop.
    /// - Throws: `StreamError.closed` as soon as the other end is gone, or says that it will say
    ///   no more: who does not wait for the reply shall not get what it grants.
    public func pause(until deadline: Deadline) throws(StreamError) {
        while !deadline.hasPassed, !Stop.hasCome {
            let slice = min(deadline, .after(.seconds(1)))
            let gone = cunix_wait_hangup(output.rawValue, slice.pollTimeout)
            if gone > 0 { throw .closed }
            if gone < 0, errno != EINTR { throw .failed(SystemError.last("poll", "client")) }
        }
    }

    /// Tells the other end that nothing more will come; what is on its way still arrives.
    public func endOutput() { _ = shutdown(output.rawValue, Int32(SHUT_WR)) }

    private func poll(
        _ descriptor: Descriptor, _ readiness: Descriptor.Readiness, until deadline: Deadline,
        _ givesUp: () -> Bool
    ) throws(StreamError) {
        while true {
            let slice = min(deadline, .after(.seconds(1)))
            do {
                if try descriptor.wait(readiness, until: slice, "stream") { return }
            } catch {
                throw .failed(error)
            }
            if givesUp() { throw .stopping }
            if deadline.hasPassed { throw .timedOut }
        }
    }

    /// After a call that failed: returns when it is worth another try.
    private func goOn(until deadline: Deadline, _ givesUp: () -> Bool) throws(StreamError) {
        switch errno {
        case EINTR: return
        case EAGAIN:
            // In this order: a caller with short deadlines, one after the other, must stop too.
            if givesUp() { throw .stopping }
            if deadline.hasPassed { throw .timedOut }
        case ECONNRESET, EPIPE, ETIMEDOUT: throw .closed
        default: throw .failed(SystemError.last("read or write", "client"))
        }
    }
}

/// The wish that this process may stop.
public enum Stop {
    /// True once a worker of a pool got SIGTERM or SIGINT: it ends what it does where it may. After
    /// SIGHUP it goes on with what it does, and only takes no more.
    public static var hasCome: Bool { cunix_end_came() }

    /// True once the time for that is nearly over too: last words can be said, and no more.
    public static var isLastCall: Bool { cunix_last_call_came() }
}

/// Whoever started this process and waits for its end.
public enum Caller {
    /// Waits so long.
    /// - Returns: false, at once or within a second, when the caller is gone.
    public static func stays(for duration: Duration) -> Bool {
        let caller = getppid()
        let end = Deadline.after(duration)
        while !end.hasPassed {
            guard getppid() == caller else { return false }
            _ = poll(nil, 0, min(1000, end.pollTimeout))
        }
        return true
    }
}
