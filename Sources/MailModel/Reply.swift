// Reply: what a client or a report is told, with its code and enhanced status.
// RFC 5321, section 4.2, and RFC 3463.
// SPDX-License-Identifier: MIT

/// An enhanced status code: class, subject and detail. RFC 3463, section 2.
public struct EnhancedStatus: Hashable, Sendable, CustomStringConvertible {
    /// 2 success, 4 temporary, 5 permanent.
    public let statusClass: UInt8
    /// What it is about; 0 to 999.
    public let subject: UInt16
    /// What exactly; 0 to 999.
    public let detail: UInt16

    /// A status of these three numbers.
    public init(_ statusClass: UInt8, _ subject: UInt16, _ detail: UInt16) {
        self.statusClass = statusClass
        self.subject = subject
        self.detail = detail
    }

    /// Reads `5.7.1`; nil for anything else.
    @inlinable
    public init?(_ text: some Collection<UInt8>) {
        let parts = text.split(separator: 0x2E, omittingEmptySubsequences: false)
        let numbers = parts.map { $0.count <= 3 ? $0.decimalValue ?? -1 : -1 }
        guard numbers.count == 3, [2, 4, 5].contains(numbers[0]), numbers[1] >= 0, numbers[2] >= 0
        else { return nil }
        self.init(UInt8(numbers[0]), UInt16(numbers[1]), UInt16(numbers[2]))
    }

    /// The three numbers with dots.
    public var description: String { "\(statusClass).\(subject).\(detail)" }
}

/// One reply: three digits, an enhanced status and one line of text.
public struct Reply: Hashable, Sendable, CustomStringConvertible {
    /// The reply code, 200 to 599.
    public let code: UInt16
    /// The enhanced status.
    public let status: EnhancedStatus
    /// One line without control characters, at most 400 bytes.
    public let text: String
    /// How long whoever talks to the client should wait before giving this reply.
    public var delay: Duration

    /// A reply of these parts; control characters of the text become `?` and what is over
    /// 400 bytes is cut.
    public init(_ code: UInt16, _ status: EnhancedStatus, _ text: String, delay: Duration = .zero) {
        self.code = code
        self.status = status
        self.text = text.utf8.prefix(400).printable
        self.delay = delay
    }

    /// True for codes of 500 and over.
    public var isPermanent: Bool { code >= 500 }

    /// The reply as one line without its line end.
    public var description: String { "\(code) \(status) \(text)" }
}
