// Base64: what the library wants keys and bindings in.
// RFC 4648, section 4.
// SPDX-License-Identifier: MIT

import CGSASL
import Glibc

/// Bytes as letters, by the library itself.
enum Base64 {
    /// The text of bytes; empty when there is no memory.
    static func text(_ bytes: [UInt8]) -> [UInt8] {
        var input = bytes.map { CChar(bitPattern: $0) }
        defer { Secret.wipe(&input) }
        var output: UnsafeMutablePointer<CChar>?
        var length = 0
        guard gsasl_base64_to(input, input.count, &output, &length) == GSASL_OK.rawValue,
            let output
        else { return [] }
        defer {
            explicit_bzero(output, length)
            gsasl_free(output)
        }
        return [UInt8](UnsafeRawBufferPointer(start: output, count: length))
    }
}
