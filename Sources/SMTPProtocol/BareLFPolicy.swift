// BareLFPolicy: what an LF without CR before it comes to in a message.
// RFC 5321, section 2.3.8; smtp-server(8), file control/barelf.
// SPDX-License-Identifier: MIT

/// How a message is taken in which an LF stands alone. Whatever it is, such an LF is never part of
/// the end of DATA, and a CR that stands alone is never taken.
public enum BareLFPolicy: Hashable, Sendable {
    /// The message is refused.
    case refused
    /// It is a line end like CRLF.
    case lineEnd
}
