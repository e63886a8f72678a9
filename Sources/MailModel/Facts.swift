// Facts: what is known of the client and its session.
// filter-protocol(7).
// SPDX-License-Identifier: MIT

/// The facts that travel with a request, by the name they have on the wire.
public enum FactName: String, CaseIterable, Sendable {
    /// The client's address as text.
    case clientIP = "client-ip"
    /// The client's port.
    case clientPort = "client-port"
    /// The client's name by the DNS, verified; absent when there is none.
    case clientName = "client-name"
    /// What an ident server said of the client.
    case clientInfo = "client-info"
    /// Present when the client spoke before it was greeted.
    case earlyTalker = "early-talker"
    /// The argument of HELO or EHLO.
    case helo
    /// The name that was authenticated.
    case authUser = "auth-user"
    /// Our address in this connection.
    case localIP = "local-ip"
    /// Our port in this connection.
    case localPort = "local-port"
    /// Our name.
    case localName = "local-name"
    /// Present when the client may relay; the value is appended to recipients.
    case relay
    /// `SMTP`, `ESMTP`, `ESMTPS`, `ESMTPSA`, `LMTP` (RFC 3848).
    case protocolName = "protocol"
    /// The TLS version of the session.
    case tlsVersion = "tls-version"
    /// The TLS cipher of the session.
    case tlsCipher = "tls-cipher"
    /// The name that the client asked for with TLS (SNI).
    case tlsServerName = "tls-server-name"
    /// SHA-256 of the client's certificate, in hexadecimal digits.
    case tlsPeer = "tls-peer"
    /// The id of the session.
    case session
    /// The id of the message.
    case message
    /// BODY=8BITMIME or BODY=7BIT as given with MAIL (RFC 6152).
    case bodyType = "body-type"
    /// The size that MAIL declared (RFC 1870), in bytes.
    case declaredSize = "declared-size"
}

extension FactName {
    /// The names of the fields on the wire, in the order of the cases.
    static let fieldNames = allCases.map { "fact.\($0.rawValue)" }

    /// Which one it is in the order of the cases.
    var rank: Int {
        switch self {
        case .clientIP: 0
        case .clientPort: 1
        case .clientName: 2
        case .clientInfo: 3
        case .earlyTalker: 4
        case .helo: 5
        case .authUser: 6
        case .localIP: 7
        case .localPort: 8
        case .localName: 9
        case .relay: 10
        case .protocolName: 11
        case .tlsVersion: 12
        case .tlsCipher: 13
        case .tlsServerName: 14
        case .tlsPeer: 15
        case .session: 16
        case .message: 17
        case .bodyType: 18
        case .declaredSize: 19
        }
    }
}

/// Facts by name. A fact is bytes: clients choose many of them.
public struct Facts: Hashable, Sendable {
    /// Every fact, in the order of `FactName`.
    public private(set) var all: [(name: FactName, value: [UInt8])] = []

    /// No fact at all.
    public init() {}

    /// The value of a fact; nil when it is not known. Setting nil forgets it.
    public subscript(name: FactName) -> [UInt8]? {
        get {
            for fact in all where fact.name == name { return fact.value }
            return nil
        }
        set {
            let rank = name.rank
            // Most are set in their order.
            let place =
                all.last.map { $0.name.rank < rank } ?? true
                ? all.endIndex : all.firstIndex { $0.name.rank >= rank } ?? all.endIndex
            let isThere = place < all.endIndex && all[place].name == name
            switch (newValue, isThere) {
            case (let value?, true): all[place].value = value
            case (let value?, false): all.insert((name, value), at: place)
            case (nil, true): all.remove(at: place)
            case (nil, false): break
            }
        }
    }

    /// The client's address; nil when it is not known or not an address.
    public var clientIP: IPAddress? { self[.clientIP].flatMap { IPAddress($0) } }

    /// True when the client may relay.
    public var mayRelay: Bool { self[.relay] != nil }

    /// True when no client is known: a bounce, a forward or a user of this host.
    public var isLocal: Bool { self[.clientIP] == nil }

    /// Compares by the facts, whatever order they were set in.
    public static func == (one: Facts, other: Facts) -> Bool {
        one.all.elementsEqual(other.all) { $0.name == $1.name && $0.value == $1.value }
    }

    /// Hashes the facts in the order of `FactName`.
    public func hash(into hasher: inout Hasher) {
        for (name, value) in all {
            hasher.combine(name)
            hasher.combine(value)
        }
    }
}
