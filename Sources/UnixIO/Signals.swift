// SignalDescriptor: signals as something to read, for processes that wait with poll(2).
// signalfd(2).
// SPDX-License-Identifier: MIT

import CUnix
import Glibc

/// Blocks some signals and hands them over one by one. A child that is forked (not spawned) must
/// call `Signals.reset`.
public struct SignalDescriptor: ~Copyable {
    private let descriptor: OwnedDescriptor

    /// Blocks these signals from now on.
    public init(_ signals: [Int32]) throws(SystemError) {
        descriptor = OwnedDescriptor(
            try retrying("signalfd", "\(signals)") {
                cunix_signal_descriptor(signals, signals.count)
            })
    }

    /// The descriptor to poll.
    public var borrowed: Descriptor { descriptor.borrowed }

    /// The next signal that came; nil when there is none now.
    public func next() throws(SystemError) -> Int32? {
        let signal = try retrying("read", "signalfd") { cunix_next_signal(descriptor.number) }
        return signal == 0 ? nil : signal
    }
}

/// What a process does about signals.
public enum Signals {
    /// Unblocks every signal and gives it its default action.
    public static func reset() { cunix_reset_signals() }

    /// Makes writes to a closed pipe or socket an error instead of a death.
    public static func ignoreBrokenPipes() { signal(SIGPIPE, SIG_IGN) }
}
