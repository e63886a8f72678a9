// AuthExchange: what the state machine asks of whoever verifies a login, and what it is told.
// RFC 4954, section 4.
// SPDX-License-Identifier: MIT

import MailModel

/// One round of an exchange.
public struct AuthRequest: Hashable, Sendable {
    /// The mechanism in capitals; one of those that were offered.
    public let mechanism: String
    /// What the client said, decoded from base64; nil when AUTH came without an initial response,
    /// which is not the same as an empty one.
    public let response: [UInt8]?
    /// True for AUTH itself: whatever was known of an earlier exchange is void.
    public let isFirst: Bool

    /// A round.
    public init(mechanism: String, response: [UInt8]?, isFirst: Bool) {
        self.mechanism = mechanism
        self.response = response
        self.isFirst = isFirst
    }
}

/// What a round leads to.
public enum AuthAnswer: Equatable, Sendable {
    /// The client must respond to this.
    case challenge([UInt8])
    /// The client is this user. `final` is what the mechanism has to say with success; the client
    /// must respond to it with an empty line.
    case accepted(user: [UInt8], final: [UInt8]? = nil)
    /// It is not. The driver has waited for the reply's delay.
    case refused(Reply)
    /// That cannot be said now.
    case unavailable(Reply)
}
