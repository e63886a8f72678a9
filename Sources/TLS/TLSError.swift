// TLSError: what OpenSSL says when it says no.
// ERR_get_error(3).
// SPDX-License-Identifier: MIT

import COpenSSL
import UnixIO

/// Why something cannot be done with a key, a certificate or a connection.
public struct TLSError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The reason as one line.
    public let description: String

    /// An error with this reason.
    public init(_ description: String) { self.description = description }

    /// What the error queue of this thread holds; it is empty then.
    static func taken(or fallback: String = "unknown error") -> TLSError {
        var reasons: [String] = []
        while case let code = ERR_get_error(), code != 0 {
            let reason = TLSError.reason(code)
            // What is below an error often says the same in fewer words.
            if !reasons.contains(reason), reasons.count < 3 { reasons.append(reason) }
        }
        return TLSError(reasons.isEmpty ? fallback : reasons.joined(separator: ", "))
    }

    private static func reason(_ code: UInt) -> String {
        if let text = ERR_reason_error_string(code) { return String(cString: text) }
        var buffer = [CChar](repeating: 0, count: 256)
        ERR_error_string_n(code, &buffer, buffer.count)
        return String(
            decoding: buffer.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }
}

/// Why there is no TLS on a connection.
public enum HandshakeError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The connection ended, or the time did.
    case stream(StreamError)
    /// The two ends did not come together.
    case refused(TLSError)

    /// The reason as one line.
    public var description: String {
        switch self {
        case .stream(.closed): "the other end closed the connection"
        case .stream(.timedOut): "time limit"
        case .stream(.stopping): "shutting down"
        case .stream(.failed(let error)): "\(error)"
        case .refused(let error): "\(error)"
        }
    }
}
