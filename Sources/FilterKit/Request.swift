// Request: what a filter is asked, whatever convention it is asked by.
// filter-protocol(7).
// SPDX-License-Identifier: MIT

public import MailModel

/// One question. Valid during `judge`: the message's descriptor belongs to whoever asks.
public struct Request {
    /// The request as it is on the wire, for a filter that passes it on.
    public let wire: FilterRequest
    /// What is known of the client.
    public var facts: Facts { wire.facts }
    /// The moment of the session.
    public var stage: Stage { wire.stage }
    /// True when nothing may be consumed: no limit is charged.
    public var isTrial: Bool { wire.isTrial }
    /// Set when nothing is asked: what became of what was asked. See `Filter.learn`.
    public var outcome: Outcome? { wire.outcome }
    /// The envelope with the pending edits made; nil before MAIL, or where nobody gave one.
    public let envelope: Envelope?
    /// The message with the pending edits laid over it; empty before stage `message`.
    public let message: MessageView

    /// What `replaceMessage(with:)` wrote.
    let replacement = Replacement()

    /// The reverse-path; nil when it is not known.
    public var reversePath: ReversePath? { envelope?.reversePath }
    /// The recipients; at stage `rcpt` the one that is asked about.
    public var recipients: [Mailbox] { envelope?.recipients ?? [] }
    /// What earlier steps noted, such as `spf` = `pass`.
    public var notes: [String: [UInt8]] { wire.edits.notes }

    /// Where it came from; nil in a resident filter.
    let origin: Origin?

    init(_ wire: FilterRequest, _ base: MessageView.Base, _ origin: Origin? = nil) {
        self.wire = wire
        self.origin = origin
        envelope = wire.envelope == nil ? nil : wire.currentEnvelope
        message = MessageView(base, wire.edits.overlay)
    }
}
