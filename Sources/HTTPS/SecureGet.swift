// SecureGet: one GET by HTTPS, with the host's certificate checked.
// libcurl-easy(3); RFC 9110.
// SPDX-License-Identifier: MIT

import CCurl
public import MailModel

/// Why there is no answer.
public enum SecureGetError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The host could not be asked, or did not answer in time.
    case failed(String)
    /// The host is not who it should be.
    case notTrusted(String)
    /// The body is longer than the limit.
    case tooLong

    /// The reason as one line.
    public var description: String {
        switch self {
        case .failed(let text), .notTrusted(let text): text
        case .tooLong: "the answer is too long"
        }
    }
}

/// What to get, from where, and how much of it.
public struct SecureGet: Sendable {
    /// The host's name, which its certificate must have.
    public var host: String
    /// Its addresses; no name is looked up.
    public var addresses: [IPAddress]
    /// Its port.
    public var port: UInt16 = 443
    /// What to get of it, from the first slash on.
    public var path: String
    /// A file of authorities in PEM.
    public var authorities: String
    /// For all of it.
    public var timeLimit = Duration.seconds(60)
    /// The most bytes of the body.
    public var sizeLimit = 65_536

    /// A request with the usual limits.
    public init(_ path: String, of host: String, at addresses: [IPAddress], authorities: String) {
        self.path = path
        self.host = host
        self.addresses = addresses
        self.authorities = authorities
    }

    /// What a host has answered, whatever its status.
    public struct Answer: Sendable {
        /// The status.
        public let status: Int
        /// The media type in lower case, without its parameters; empty when none is named.
        public let mediaType: String
        /// The body.
        public let body: [UInt8]
    }

    /// Asks.
    /// - Throws: `SecureGetError`.
    public func answer() throws(SecureGetError) -> Answer {
        let places = addresses.map(\.forCurl).joined(separator: ",")
        var answer = ccurl_answer()
        defer { ccurl_free(&answer) }
        let outcome = "https://\(host):\(port)\(path)".withCString { url in
            "\(host):\(port):\(places)".withCString { place in
                authorities.withCString { file in
                    var request = ccurl_request(
                        url: url, place: place, authorities: file,
                        time_limit: Int(
                            timeLimit.components.seconds * 1000
                                + timeLimit.components.attoseconds / 1_000_000_000_000_000),
                        size_limit: sizeLimit)
                    return ccurl_get(&request, &answer)
                }
            }
        }
        let reason = withUnsafeBytes(of: answer.error) { $0.prefix { $0 != 0 }.printable }
        switch outcome {
        case CCURL_ANSWERED: break
        case CCURL_NOT_TRUSTED: throw .notTrusted(reason)
        case CCURL_TOO_LONG: throw .tooLong
        default: throw .failed(reason)
        }
        let type = withUnsafeBytes(of: answer.content_type) { bytes in
            bytes.prefix { $0 != 0 && $0 != 0x3B }.printable
        }
        return Answer(
            status: answer.status,
            mediaType: type.lowercased().split(separator: " ").joined(),
            body: Array(UnsafeBufferPointer(start: answer.body, count: answer.length)))
    }
}

extension IPAddress {
    fileprivate var forCurl: String { isVersion4 ? "\(self)" : "[\(self)]" }
}
