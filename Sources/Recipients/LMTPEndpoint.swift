// LMTPEndpoint: where a server of LMTP listens.
// RFC 2033; deliver-local(8), section LMTP.
// SPDX-License-Identifier: MIT

import MailModel

/// A server that takes mail by LMTP: `unix:/path/of/socket` or `inet:host:port`.
public enum LMTPEndpoint: Hashable, Sendable {
    /// A socket of this host, by its absolute path.
    case unix(String)
    /// A host by name or address, and the port.
    case inet(host: String, port: UInt16)

    /// The port where none is written: LMTP has none of its own, and must not be at 25 (RFC 2033,
    /// section 5); 24 is that of private mail systems, and what Dovecot and Postfix use.
    public static let standardPort: UInt16 = 24

    /// Reads the notation. An address of IPv6 stands in brackets; without a port it is 24.
    /// Nil for anything else, and for the port of SMTP.
    public init?(_ text: some StringProtocol) {
        let text = String(text)
        if text.hasPrefix("unix:/"), !text.utf8.contains(0) {
            self = .unix(String(text.dropFirst("unix:".count)))
            return
        }
        guard text.hasPrefix("inet:") else { return nil }
        let place = text.dropFirst("inet:".count)
        if place.hasPrefix("[") {
            let parts = place.dropFirst().split(
                separator: "]", maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2, IPAddress(Array(parts[0].utf8)) != nil else { return nil }
            self.init(host: parts[0], port: parts[1])
        } else {
            let colon = place.firstIndex(of: ":") ?? place.endIndex
            self.init(host: place[..<colon], port: place[colon...])
        }
    }

    /// A port is empty, or a colon and a number.
    private init?(host: Substring, port: Substring) {
        let isSound = host.utf8.allSatisfy { (0x21...0x7E).contains($0) }
        guard isSound, !host.isEmpty else { return nil }
        guard !port.isEmpty else {
            self = .inet(host: String(host), port: LMTPEndpoint.standardPort)
            return
        }
        guard port.hasPrefix(":"), let number = port.dropFirst().utf8.decimalValue,
            let value = UInt16(exactly: number), value > 0, value != 25
        else { return nil }
        self = .inet(host: String(host), port: value)
    }
}

extension LMTPEndpoint: CustomStringConvertible {
    /// The notation, with the port.
    public var description: String {
        switch self {
        case .unix(let path): "unix:\(path)"
        case .inet(let host, let port):
            host.utf8.contains(0x3A) ? "inet:[\(host)]:\(port)" : "inet:\(host):\(port)"
        }
    }
}
