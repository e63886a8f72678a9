// Text: charsets, encoded words and values of fields, by GMime.
// RFC 2045, section 5; RFC 2047; RFC 2231.
// SPDX-License-Identifier: MIT

import CGMime
import MailModel

/// Bytes as text.
enum Text {
    /// Turns bytes of a charset into UTF-8, and counts the bytes that are none; nil when nobody
    /// knows the charset.
    static func utf8(
        _ bytes: ArraySlice<UInt8>, from charset: [UInt8]
    ) -> (text: [UInt8], lost: Int)? {
        guard !charset.isEmpty, charset.count < 64, !charset.contains(0) else { return nil }
        var text: [UInt8] = []
        let lost = bytes.withUnsafeBufferPointer { input in
            withCString(charset) { charset in
                withUnsafeMutablePointer(to: &text) { text in
                    cgmime_to_utf8(
                        charset, input.baseAddress, input.count,
                        { context, piece, count in
                            context?.assumingMemoryBound(to: [UInt8].self).pointee.append(
                                contentsOf: UnsafeBufferPointer(start: piece, count: count))
                        }, text)
                }
            }
        }
        return lost < 0 ? nil : (text, Int(lost))
    }

    /// A line with its encoded words decoded. NUL, which no C function sees past, is left out.
    static func decodingWords(_ line: some Collection<UInt8>) -> [UInt8] {
        withCString(line.filter { $0 != 0 }) { text in
            guard let decoded = cgmime_decode_words(text) else { return Array(line) }
            defer { cgmime_free(decoded) }
            return [UInt8](cText: decoded)
        }
    }

    /// What a Content-Type or a Content-Disposition field says.
    struct Value {
        /// `type/subtype`, or the disposition.
        var main: [UInt8] = []
        var parameters: [(name: [UInt8], value: [UInt8])] = []

        subscript(name: String) -> [UInt8]? {
            parameters.first { $0.name.equalsIgnoringASCIICase(name.utf8) }?.value
        }

        init(_ field: [UInt8], isType: Bool) {
            let line = field.filter { $0 != 0x0A && $0 != 0x0D && $0 != 0 }
            withUnsafeMutablePointer(to: &self) { value in
                withCString(line) { text in
                    cgmime_read_value(
                        text, isType ? 1 : 0, { Value.at($0)?.pointee.main = [UInt8](cText: $1) },
                        { context, name, text in
                            Value.at(context)?.pointee.parameters.append(
                                (name: [UInt8](cText: name), value: [UInt8](cText: text)))
                        }, value)
                }
            }
        }

        private static func at(_ context: UnsafeMutableRawPointer?) -> UnsafeMutablePointer<Value>?
        {
            context?.assumingMemoryBound(to: Value.self)
        }
    }

    private static func withCString<Result>(
        _ bytes: [UInt8], _ body: (UnsafePointer<CChar>) -> Result
    ) -> Result {
        (bytes + [0]).withUnsafeBufferPointer { buffer in
            buffer.withMemoryRebound(to: CChar.self) { text in
                withUnsafePointer(to: CChar(0)) { body(text.baseAddress ?? $0) }
            }
        }
    }
}
