// MailboxQuota: what a mailbox may hold.
// Maildir++; vpopmail's maildirquota.c.
// SPDX-License-Identifier: MIT

import MailModel

/// What a mailbox may hold. A limit that is nil does not exist.
public struct MailboxQuota: Hashable, Sendable {
    /// The most bytes.
    public var bytes: Int?
    /// The most messages.
    public var messages: Int?

    /// Quotas without limits.
    public var isUnlimited: Bool { bytes == nil && messages == nil }

    /// A quota of these limits.
    public init(bytes: Int?, messages: Int?) {
        self.bytes = bytes
        self.messages = messages
    }

    /// vpopmail's form: `NOQUOTA`, `1000000`, `10MB`, `5KB`, `1000000S`, `1000000S,1000C`. What is
    /// 0 or cannot be read is no limit, as there.
    public init(vpopmail text: some Collection<UInt8>) {
        for part in text.split(separator: 0x2C) {
            let digits = part.prefix(while: \.isASCIIDigit)
            guard let number = digits.isEmpty ? nil : digits.decimalValue ?? .max, number > 0 else {
                continue
            }
            let unit = part.dropFirst(digits.count).asciiLowercased
            switch unit.first {
            case 0x63: messages = number
            case 0x6D: bytes = number.multipliedOrMaximum(by: 1 << 20)
            case 0x6B: bytes = number.multipliedOrMaximum(by: 1 << 10)
            default: bytes = number
            }
        }
    }

    /// The same form, where a mistake is one: nil for what is not `NOQUOTA` or a list of numbers
    /// over 0 with `S`, `C`, `KB`, `MB`, `GB` or nothing after them, each kind of limit once.
    public init?(exactly text: some Collection<UInt8>) {
        self.init(bytes: nil, messages: nil)
        if text.asciiLowercased.elementsEqual("noquota".utf8) { return }
        for part in text.split(separator: 0x2C, omittingEmptySubsequences: false) {
            let digits = part.prefix(while: \.isASCIIDigit)
            guard let number = digits.decimalValue, number > 0 else { return nil }
            let unit = String(decoding: part.dropFirst(digits.count).asciiLowercased, as: UTF8.self)
            if unit == "c" {
                guard messages == nil else { return nil }
                messages = number
            } else {
                guard bytes == nil, let factor = MailboxQuota.units[unit] else { return nil }
                bytes = number.multipliedOrMaximum(by: factor)
            }
        }
    }

    private static let units = [
        "": 1, "s": 1, "k": 1 << 10, "kb": 1 << 10, "m": 1 << 20, "mb": 1 << 20, "g": 1 << 30,
        "gb": 1 << 30,
    ]

    /// True when so much may be in the mailbox.
    public func admits(_ usage: MaildirUsage) -> Bool {
        bytes.map { usage.bytes <= $0 } ?? true && messages.map { usage.messages <= $0 } ?? true
    }

    /// True when not even one more byte, or one more message, has room.
    func isReached(by usage: MaildirUsage) -> Bool { !admits(usage + .least) }
}

extension MailboxQuota: CustomStringConvertible {
    /// As the first line of `maildirsize` has it: `1000000S,1000C`; `NOQUOTA` without a limit.
    public var description: String {
        let parts = [bytes.map { "\($0)S" }, messages.map { "\($0)C" }].compactMap(\.self)
        return parts.isEmpty ? "NOQUOTA" : parts.joined(separator: ",")
    }
}

extension Int {
    fileprivate func multipliedOrMaximum(by factor: Int) -> Int {
        let (product, overflow) = multipliedReportingOverflow(by: factor)
        return overflow ? .max : product
    }
}
