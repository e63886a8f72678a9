// JSONText: values for programs, put together as text.
// RFC 8259.
// SPDX-License-Identifier: MIT

/// Writes JSON. What is not UTF-8 becomes U+FFFD.
enum JSONText {
    /// An object of members whose values are JSON already.
    static func object(_ members: [(name: String, value: String)]) -> String {
        "{" + members.map { "\(quoted($0.name)):\($0.value)" }.joined(separator: ",") + "}"
    }

    /// A list of values that are JSON already.
    static func list(_ values: [String]) -> String { "[\(values.joined(separator: ","))]" }

    /// A string.
    static func quoted(_ bytes: [UInt8]) -> String {
        quoted(String(decoding: bytes, as: UTF8.self))
    }

    /// A string.
    static func quoted(_ text: String) -> String {
        let escaped = text.unicodeScalars.map { scalar -> String in
            switch scalar {
            case "\"", "\\": return "\\\(scalar)"
            // A terminal obeys those from U+0080 on as well.
            case _ where scalar.properties.generalCategory == .control:
                let hex = String(scalar.value, radix: 16)
                return "\\u" + String(repeating: "0", count: 4 - hex.count) + hex
            default: return String(scalar)
            }
        }
        return "\"\(escaped.joined())\""
    }
}
