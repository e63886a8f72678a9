// MilterAnswer: what a callback answers.
// SPDX-License-Identifier: MIT

import MailModel

/// The answer to one moment of a session.
enum MilterAnswer: Equatable {
    /// Nothing against it.
    case goOn
    /// Refuse it with this reply, for good or for now by its code.
    case refuse(Reply)
    /// Say yes to the client and drop the message.
    case discard
}

extension Reply {
    /// More sessions than there may be.
    static let tooManySessions = Reply(
        451, EnhancedStatus(4, 3, 2), "Too many sessions, try again later")
    /// Too many others wait for the delay of a reply already.
    static let tooManyDelayed = Reply(
        451, EnhancedStatus(4, 7, 1), "Too many clients wait, try again later")
    static let messageTooBig = Reply(552, EnhancedStatus(5, 3, 4), "Message too big")
    static let forgedFields = Reply(550, EnhancedStatus(5, 7, 1), "Too many X-Chainmail- fields")
    static let badReversePath = Reply(501, EnhancedStatus(5, 1, 7), "Bad reverse-path")
    static let badForwardPath = Reply(501, EnhancedStatus(5, 1, 3), "Bad forward-path")
    static let outOfStep = Reply(451, EnhancedStatus(4, 3, 0), "Local error")
    static let cannotStore = Reply(451, EnhancedStatus(4, 3, 0), "Cannot store the message")
    static let cannotChange = Reply(451, EnhancedStatus(4, 3, 0), "Cannot change the message")
}
