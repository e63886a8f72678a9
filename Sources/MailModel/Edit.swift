// Edit: a change that an accepting filter asks for, and what a list of them amounts to.
// filter-protocol(7).
// SPDX-License-Identifier: MIT

/// One change to a message or its envelope. Edits apply in order.
public enum Edit: Hashable, Sendable {
    /// Put this field on top of the header.
    case prepend(HeaderField)
    /// Remove every field of this name, ASCII case folded, from what the message is by then.
    case remove(name: [UInt8])
    /// One recipient more.
    case addRecipient(Mailbox)
    /// One recipient less, compared byte for byte; all its occurrences go.
    case removeRecipient(Mailbox)
    /// Another reverse-path.
    case reversePath(ReversePath)
    /// Another message: so many bytes from this offset of the descriptor that comes along. All
    /// header edits before it are gone with the old message.
    case replaceMessage(offset: Int, length: Int)
    /// A note for later steps, such as `spf` = `pass`.
    case note(name: String, value: [UInt8])
    /// Keep the message in the queue, undelivered, until the administrator releases it.
    case hold
    /// Let the client wait so long before it gets its reply; the longest counts. It is whoever
    /// asked that waits, never a worker. No edit of a message: on the wire it is the reply's own
    /// field `delay`, and later steps and the queue do not see it.
    case delay(Duration)
}

extension [Edit] {
    /// The envelope with these edits made.
    ///
    /// A recipient that goes takes its options along, and one that comes has none; but where the
    /// only recipient makes room for others, it is the same mail under other addresses, and they
    /// get its options. `RET=` and `ENVID=` stay with another reverse-path, which mostly leads back
    /// to the same sender, and go with the null one, which nobody reports to.
    public func applied(to envelope: Envelope) -> Envelope {
        var result = envelope
        // From the last to the first, since each must be looked at only once: a hundred thousand
        // times a hundred thousand would be for ever.
        var added: [Mailbox] = []
        var going: Set<Mailbox> = []
        var path: ReversePath?
        for edit in reversed() {
            switch edit {
            case .addRecipient(let mailbox):
                if !going.contains(mailbox) { added.append(mailbox) }
            case .removeRecipient(let mailbox): going.insert(mailbox)
            case .reversePath(let new): path = path ?? new
            case .prepend, .remove, .replaceMessage, .note, .hold, .delay: break
            }
        }
        if let path {
            result.reversePath = path
            if path.isNull { (result.options.ret, result.options.envid) = (nil, nil) }
        }
        if !going.isEmpty { result.removeRecipients(where: going.contains) }
        let isReplaced = envelope.recipients.count == 1 && result.recipients.isEmpty
        let options = isReplaced ? envelope.options(ofRecipient: 0) : RecipientOptions()
        for mailbox in added.reversed() { result.append(mailbox, options) }
        return result
    }

    /// The header edits as fields to put on top and names to leave out.
    public var overlay: HeaderOverlay { HeaderOverlay(self) }

    /// The notes by name; the last one of a name counts.
    public var notes: [String: [UInt8]] {
        reduce(into: [:]) { notes, edit in
            if case .note(let name, let value) = edit { notes[name] = value }
        }
    }

    /// True when an edit asks for the message to be held.
    public var hold: Bool { contains(.hold) }

    /// The longest `delay` among the edits; zero without one.
    public var delay: Duration {
        reduce(.zero) { longest, edit in
            if case .delay(let delay) = edit { Swift.max(longest, delay) } else { longest }
        }
    }

    /// The edits without those that only delay a reply.
    public var withoutDelay: [Edit] {
        filter { if case .delay = $0 { false } else { true } }
    }

    /// The last `replaceMessage` and what came after it; without one, everything.
    public var replacement: (offset: Int, length: Int)? {
        for edit in reversed() {
            if case .replaceMessage(let offset, let length) = edit { return (offset, length) }
        }
        return nil
    }
}

/// What the header edits of a list amount to: bytes to put before the message and names of
/// fields of the message to leave out.
public struct HeaderOverlay: Hashable, Sendable {
    /// Whole fields, the topmost first; empty when nothing is added.
    public private(set) var top: [UInt8] = []
    /// Field names, ASCII case folded.
    public private(set) var removedNames: Set<[UInt8]> = []

    init(_ edits: [Edit]) {
        // From the last to the first: see `applied(to:)`.
        for edit in edits.reversed() {
            switch edit {
            case .prepend(let field):
                guard
                    removedNames.isEmpty
                        || !removedNames.contains(field.name.map(\.asciiLowercased))
                else { continue }
                top += field.bytes
            case .remove(let name): removedNames.insert(name.asciiLowercased)
            case .replaceMessage: return
            case .addRecipient, .removeRecipient, .reversePath, .note, .hold, .delay: break
            }
        }
    }

    /// True when the message passes byte for byte as it is.
    public var isEmpty: Bool { top.isEmpty && removedNames.isEmpty }
}
