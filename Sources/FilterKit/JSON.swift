// JSON: the values that evidence is made of.
// RFC 8259.
// SPDX-License-Identifier: MIT

/// A JSON value. Text from outside may be any bytes; what is not UTF-8 becomes U+FFFD.
public indirect enum JSON: Hashable, Sendable {
    /// A text.
    case text(String)
    /// A whole number.
    case number(Int)
    /// True or false.
    case flag(Bool)
    /// Values in order.
    case list([JSON])
    /// Names and values in order.
    case object([Member])
    /// Nothing known.
    case null

    /// A name and a value of an object.
    public struct Member: Hashable, Sendable {
        /// The name.
        public let name: String
        /// The value.
        public var value: JSON

        /// A member of an object.
        public init(_ name: String, _ value: JSON) {
            self.name = name
            self.value = value
        }
    }

    /// A text of any bytes.
    public static func bytes(_ bytes: some Collection<UInt8>) -> JSON {
        .text(String(decoding: bytes, as: UTF8.self))
    }

    /// Appends the value without line ends.
    func write(to output: inout [UInt8]) {
        switch self {
        case .text(let text): JSON.write(text, to: &output)
        case .number(let number): output += "\(number)".utf8
        case .flag(let flag): output += (flag ? "true" : "false").utf8
        case .null: output += "null".utf8
        case .list(let values):
            JSON.write(values, between: (0x5B, 0x5D), to: &output) { value, output in
                value.write(to: &output)
            }
        case .object(let members):
            JSON.write(members, between: (0x7B, 0x7D), to: &output) { member, output in
                JSON.write(member.name, to: &output)
                output.append(0x3A)
                member.value.write(to: &output)
            }
        }
    }

    private static func write<Element>(
        _ elements: [Element], between brackets: (UInt8, UInt8), to output: inout [UInt8],
        _ write: (Element, inout [UInt8]) -> Void
    ) {
        output.append(brackets.0)
        for (index, element) in elements.enumerated() {
            if index > 0 { output.append(0x2C) }
            write(element, &output)
        }
        output.append(brackets.1)
    }

    private static func write(_ text: String, to output: inout [UInt8]) {
        let digits = Array("0123456789abcdef".utf8)
        output.append(0x22)
        for byte in text.utf8 {
            switch byte {
            case 0x22, 0x5C: output += [0x5C, byte]
            case 0x0A: output += [0x5C, 0x6E]
            case 0x00..<0x20, 0x7F:
                output += "\\u00".utf8
                output += [digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            default: output.append(byte)
            }
        }
        output.append(0x22)
    }
}

extension JSON: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral,
    ExpressibleByBooleanLiteral
{
    /// A text.
    public init(stringLiteral value: String) { self = .text(value) }

    /// A whole number.
    public init(integerLiteral value: Int) { self = .number(value) }

    /// True or false.
    public init(booleanLiteral value: Bool) { self = .flag(value) }
}
