// SMTPReply: a reply as it is on the wire, of our server or of another.
// RFC 5321, section 4.2, and RFC 2034.
// SPDX-License-Identifier: MIT

import MailModel

/// A reply code, an enhanced status where there is one, and one or more lines of text.
public struct SMTPReply: Hashable, Sendable, CustomStringConvertible {
    /// The longest reply line, with code and CRLF. RFC 5321, section 4.5.3.1.5.
    public static let maximumLineLength = 512

    /// Three digits, 200 to 599.
    public let code: UInt16
    /// The enhanced status; nil in greetings, replies to HELO and EHLO, and class 3.
    public let status: EnhancedStatus?
    /// The texts of the lines, without code, status and CRLF; never empty.
    public let lines: [String]

    /// A reply of several lines. No line at all counts as one empty line.
    public init(_ code: UInt16, _ status: EnhancedStatus?, lines: [String]) {
        self.code = code
        self.status = status
        self.lines = lines.isEmpty ? [""] : lines
    }

    /// A reply of one line.
    public init(_ code: UInt16, _ status: EnhancedStatus?, _ text: String) {
        self.init(code, status, lines: [text])
    }

    /// The reply of a verdict. Its delay was waited for before.
    public init(_ reply: Reply) { self.init(reply.code, reply.status, reply.text) }

    /// 2, 3, 4 or 5: what the client does next depends on this digit. RFC 5321, section 4.2.1.
    public var replyClass: UInt16 { code / 100 }

    /// True for class 2.
    public var isPositive: Bool { replyClass == 2 }

    /// True for class 5.
    public var isPermanent: Bool { replyClass == 5 }

    /// The texts of all lines, one space between them.
    public var text: String { lines.joined(separator: " ") }

    /// The same reply without its enhanced status, as greetings and HELO want it.
    public var withoutStatus: SMTPReply { SMTPReply(code, nil, lines: lines) }

    /// The reply in the form of the model, for reports and verdicts. Where there is no enhanced
    /// status it is `class.0.0`; class 3 has none and counts as 4.
    public var reply: Reply {
        let statusClass = UInt8(replyClass == 3 ? 4 : replyClass)
        return Reply(code, status ?? EnhancedStatus(statusClass, 0, 0), text)
    }

    /// The reply as one line, for logs.
    public var description: String { "\(code) " + (status.map { "\($0) " } ?? "") + text }

    /// A challenge of AUTH may be longer: RFC 4954, section 4.
    private var lineLimit: Int {
        code == 334 ? ServerSession.authLineLimit : SMTPReply.maximumLineLength
    }

    /// The reply on the wire, each line ended by CRLF. What is not printable ASCII becomes `?`
    /// and what exceeds `maximumLineLength` is cut. RFC 5321, section 4.2.
    public var bytes: [UInt8] {
        var bytes: [UInt8] = []
        let code = Array("\(code)".utf8)
        let status = status.map { Array("\($0) ".utf8) } ?? []
        bytes.reserveCapacity(128)
        for (index, line) in lines.enumerated() {
            let end = bytes.count + lineLimit - 2
            bytes += code
            bytes.append(index == lines.count - 1 ? 0x20 : 0x2D)
            bytes += status
            for byte in line.utf8 where bytes.count < end {
                bytes.append(byte >= 0x20 && byte <= 0x7E ? byte : 0x3F)
            }
            bytes.append(0x0D)
            bytes.append(0x0A)
        }
        return bytes
    }
}
