// Request+Twin: leaving a request to another program after it was read.
// filter-protocol(7).
// SPDX-License-Identifier: MIT

import Control
import Glibc
import UnixIO

/// What a process that judges once was given, besides the message, and has taken by now.
struct Origin: Sendable {
    /// The variables that marked the convention.
    var marks: [(name: String, value: [UInt8])] = []
    /// The descriptor of the envelope, and what was read from it.
    var envelope: (descriptor: Int32, bytes: [UInt8])?
    /// Where a client takes a reason, if there is one.
    var reason: QueueReason?
}

extension Request {
    /// Becomes another program, which is asked this request anew: for a filter that finds out only
    /// now that it needs a heavy library. Nothing may have been written yet.
    /// - Throws: `FilterError` with exit 55 when there is no such program, with exit 81 in a
    ///   resident filter, which must have become it before.
    public func becomeTwin(_ name: String) throws(FilterError) -> Never {
        guard let origin else {
            throw FilterError(.internalBug, "a worker cannot become \(name)")
        }
        try Handover.message(message.withoutEdits)
        if let envelope = origin.envelope {
            try Handover.envelope(envelope.bytes, on: envelope.descriptor, isUnchanged: true)
        }
        for mark in origin.marks {
            setenv(mark.name, mark.value.map { CChar(bitPattern: $0) } + [0], 1)
        }
        origin.reason?.giveBack()
        try Setup.become(name)
    }
}
