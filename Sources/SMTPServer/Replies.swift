// The replies that the server gives by itself, beside those of the protocol and of the queue.
// RFC 5321, section 4.2.3, and RFC 3463.
// SPDX-License-Identifier: MIT

import MailModel

extension Reply {
    static let bareLineEnd = Reply(
        554, EnhancedStatus(5, 6, 0), "Bare CR or LF in the message; lines end in CRLF")
    static let longLine = Reply(554, EnhancedStatus(5, 6, 0), "Line too long in the message")
    static let tooManyHops = Reply(
        554, EnhancedStatus(5, 4, 6), "Too many hops, this message is looping")
    static let forgedFields = Reply(
        554, EnhancedStatus(5, 6, 0), "Too many X-Chainmail- fields")
    static let tooManyDelayed = Reply(
        451, EnhancedStatus(4, 7, 0), "Too many clients are made to wait, try again later")
    static let cannotStore = Reply(
        451, EnhancedStatus(4, 3, 0), "Cannot store the message, try again later")
}
