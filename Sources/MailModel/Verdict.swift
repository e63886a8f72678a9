// Verdict: what a filter decides.
// filter-protocol(7).
// SPDX-License-Identifier: MIT

/// The decision about one request. It is returned, never thrown: an error means "not known",
/// and not known is `defer`.
public enum Verdict: Hashable, Sendable {
    /// Let it pass, with these edits in this order.
    case accept([Edit])
    /// Refuse it for good.
    case reject(Reply)
    /// Refuse it for now.
    case `defer`(Reply)
    /// Say yes and drop it.
    case discard

    /// Accept without an edit.
    public static var accept: Verdict { .accept([]) }

    /// Reject with code 550.
    public static func reject(_ status: EnhancedStatus, _ text: String) -> Verdict {
        .reject(Reply(550, status, text))
    }

    /// Defer with code 451.
    public static func `defer`(_ status: EnhancedStatus, _ text: String) -> Verdict {
        .defer(Reply(451, status, text))
    }

    /// The word that the protocol, the logs and the manuals use.
    public var word: String {
        switch self {
        case .accept: "accept"
        case .reject: "reject"
        case .defer: "defer"
        case .discard: "discard"
        }
    }

    /// How long whoever talks to the client should wait before giving the reply, that of an accept
    /// too. Nobody waits for a discard.
    public var delay: Duration {
        switch self {
        case .accept(let edits): edits.delay
        case .reject(let reply), .defer(let reply): reply.delay
        case .discard: .zero
        }
    }

    /// The same verdict with exactly this delay; zero takes the delay away.
    public func delayed(by delay: Duration) -> Verdict {
        switch self {
        case .accept(let edits):
            return .accept(edits.withoutDelay + (delay > .zero ? [.delay(delay)] : []))
        case .reject(var reply):
            reply.delay = delay
            return .reject(reply)
        case .defer(var reply):
            reply.delay = delay
            return .defer(reply)
        case .discard: return .discard
        }
    }

    /// The reply of a refusal; nil for accept and discard.
    public var reply: Reply? {
        switch self {
        case .accept, .discard: nil
        case .reject(let reply), .defer(let reply): reply
        }
    }
}
