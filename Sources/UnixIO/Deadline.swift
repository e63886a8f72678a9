// Deadline: a moment on the monotonic clock by which something must be done.
// clock_gettime(2), poll(2).
// SPDX-License-Identifier: MIT

import Glibc
import SystemPackage

/// A moment of CLOCK_MONOTONIC, or never.
public struct Deadline: Sendable, Comparable {
    /// Nanoseconds of CLOCK_MONOTONIC.
    private let nanoseconds: UInt64

    /// No deadline.
    public static let never = Deadline(nanoseconds: .max)

    private init(nanoseconds: UInt64) { self.nanoseconds = nanoseconds }

    /// So far from now; a negative duration is now.
    public static func after(_ duration: Duration) -> Deadline {
        let (seconds, attoseconds) = duration.components
        let whole = UInt64(clamping: seconds).multipliedReportingOverflow(by: 1_000_000_000)
        let sum = whole.partialValue.addingReportingOverflow(
            UInt64(clamping: attoseconds / 1_000_000_000))
        let total = sum.partialValue.addingReportingOverflow(Deadline.now)
        let isNever = whole.overflow || sum.overflow || total.overflow
        return isNever ? .never : Deadline(nanoseconds: total.partialValue)
    }

    /// A moment that another process of this host has named by `monotonicNanoseconds`.
    public init(monotonicNanoseconds: UInt64) { nanoseconds = monotonicNanoseconds }

    /// The moment in nanoseconds of CLOCK_MONOTONIC, which all processes of a host share.
    public var monotonicNanoseconds: UInt64 { nanoseconds }

    /// The earlier of two.
    public static func < (one: Deadline, other: Deadline) -> Bool {
        one.nanoseconds < other.nanoseconds
    }

    /// True when the moment has passed.
    public var hasPassed: Bool { Deadline.now >= nanoseconds }

    /// What is left; zero when it has passed, and a very long time when there is no deadline.
    public var remaining: Duration {
        let now = Deadline.now
        return nanoseconds <= now ? .zero : .nanoseconds(Int64(clamping: nanoseconds - now))
    }

    /// What is left for poll(2): milliseconds, rounded up; -1 for no deadline.
    public var pollTimeout: Int32 {
        guard self != .never else { return -1 }
        let now = Deadline.now
        guard nanoseconds > now else { return 0 }
        return Int32(clamping: (nanoseconds - now) / 1_000_000 + 1)
    }

    private static var now: UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }
}

extension FileDescriptor {
    /// What poll(2) waits for.
    public enum Readiness: Sendable {
        /// Something to read, the end, or an error.
        case toRead
        /// Room to write, or an error.
        case toWrite
    }

    /// Waits until the descriptor is ready.
    /// - Returns: false when the deadline passed first.
    public func wait(
        _ readiness: Readiness, until deadline: Deadline, _ object: @autoclosure () -> String
    ) throws(SystemError) -> Bool {
        let events = readiness == .toRead ? POLLIN : POLLOUT
        while true {
            var entry = pollfd(fd: rawValue, events: Int16(events), revents: 0)
            let ready = try retrying("poll", object()) { poll(&entry, 1, deadline.pollTimeout) }
            if ready > 0 { return true }
            if deadline.hasPassed { return false }
        }
    }
}

/// The time of day.
public enum WallClock {
    /// Microseconds since 1970-01-01 UTC.
    public static var microseconds: UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return UInt64(clamping: time.tv_sec) * 1_000_000 + UInt64(clamping: time.tv_nsec / 1000)
    }

    /// Whole seconds since 1970-01-01 UTC.
    public static var seconds: Int { Int(microseconds / 1_000_000) }
}
