// The trace field of a check.
// RFC 7208, section 9.1.
// SPDX-License-Identifier: MIT

public import MailModel

extension SPFFinding {
    /// The longest value that the field quotes, in bytes; the rest is cut.
    private static let maximumValue = 450

    /// `Received-SPF`, with every key that section 9.1 names.
    public func field(receiver: [UInt8]) -> HeaderField? {
        var body = Array(result.rawValue.utf8)
        body += " (".utf8
        body += SPFFinding.comment("\(receiver.printable): \(statement)")
        body += ")".utf8
        var pairs: [(String, [UInt8])] = [
            ("receiver", receiver), ("client-ip", Array(question.client.description.utf8)),
            ("envelope-from", question.sender.bytes), ("helo", question.helo),
            ("identity", Array(question.identity.rawValue.utf8)),
        ]
        if let mechanism { pairs.append(("mechanism", Array(mechanism.utf8))) }
        if let problem { pairs.append(("problem", Array(problem.utf8))) }
        for (key, value) in pairs where !value.isEmpty {
            body += "\n\t\(key)=".utf8
            body += SPFFinding.value(value)
            body.append(0x3B)
        }
        // The last semicolon is optional, and left out.
        return HeaderField(Array("Received-SPF".utf8), body.dropLast())
    }

    /// What the result means, in one clause.
    private var statement: String {
        let domain = question.domain.isEmpty ? "unknown domain" : question.domain.printable
        let client = question.client
        if isLocal { return "\(result.rawValue) for \(client) by local policy" }
        return switch result {
        case .pass: "domain of \(domain) designates \(client) as permitted sender"
        case .fail: "domain of \(domain) does not designate \(client) as permitted sender"
        case .softfail: "domain of \(domain) discourages use of \(client) as permitted sender"
        case .neutral: "\(client) is neither permitted nor denied by domain of \(domain)"
        case .none: "domain of \(domain) does not designate permitted sender hosts"
        case .temperror: "error in processing during look-up of \(domain)"
        case .permerror: "the policy of \(domain) cannot be understood"
        }
    }

    /// Comment text of RFC 5322, section 3.2.2: parentheses and backslashes quoted, ASCII alone.
    private static func comment(_ text: String) -> [UInt8] {
        visible(Array(text.utf8)).flatMap { byte in
            byte == 0x28 || byte == 0x29 || byte == 0x5C ? [0x5C, byte] : [byte]
        }
    }

    /// dot-atom where the value is one, else quoted-string.
    private static func value(_ value: [UInt8]) -> [UInt8] {
        let value = visible(value)
        let atoms = value.split(separator: 0x2E, omittingEmptySubsequences: false)
        if atoms.allSatisfy({ !$0.isEmpty && $0.allSatisfy(isAtomText) }) { return value }
        let quoted = value.flatMap { $0 == 0x22 || $0 == 0x5C ? [0x5C, $0] : [$0] }
        return [0x22] + quoted + [0x22]
    }

    private static func visible(_ bytes: [UInt8]) -> [UInt8] {
        bytes.prefix(maximumValue).map { (0x20...0x7E).contains($0) ? $0 : 0x3F }
    }

    /// atext of RFC 5322, section 3.2.3.
    private static func isAtomText(_ byte: UInt8) -> Bool {
        byte.isASCIILetter || byte.isASCIIDigit || "!#$%&'*+-/=?^_`{|}~".utf8.contains(byte)
    }
}
