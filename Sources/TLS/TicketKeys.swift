// TicketKeys: keys of session tickets that all workers of a pool have, over its generations.
// RFC 5077, section 5.5; RFC 8446, section 4.6.1.
// SPDX-License-Identifier: MIT

import COpenSSL

/// Keys that live in memory which this process shares with all that it forks later, and nowhere
/// else. A key makes tickets for one period and is obeyed for three; a ticket counts for two. Each
/// replaces the oldest of four.
public struct TicketKeys {
    let pointer: OpaquePointer

    /// A first key. The memory is never given back: whoever makes it has it until it ends.
    /// - Throws: `TLSError` when there is no memory or no randomness.
    public init(period: Duration = .seconds(3600)) throws(TLSError) {
        try OpenSSL.start()
        let seconds = max(1, period.components.seconds)
        guard let pointer = copenssl_tickets_new(seconds) else {
            throw .taken(or: "no memory for the keys of session tickets")
        }
        self.pointer = pointer
    }

    /// Begins with a new key now.
    public func rotate() { _ = copenssl_tickets_rotate(pointer) }
}
