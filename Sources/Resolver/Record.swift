// Record: one record of an answer, and the outcomes that a look-up has.
// RFC 1035, section 3.2.1; RFC 2308, section 2.
// SPDX-License-Identifier: MIT

public import MailModel

/// The types that we ask for, with their numbers.
public enum RecordType: UInt16, CaseIterable, Sendable {
    /// An IPv4 address.
    case a = 1
    /// A name server.
    case ns = 2
    /// Another name of the same.
    case cname = 5
    /// A name, found by address.
    case ptr = 12
    /// A mail exchanger.
    case mx = 15
    /// Strings.
    case txt = 16
    /// An IPv6 address.
    case aaaa = 28
    /// A certificate association (RFC 6698).
    case tlsa = 52
}

/// A mail exchanger. RFC 5321, section 5.1.
public struct MXRecord: Hashable, Sendable {
    /// Lower is tried first.
    public let preference: UInt16
    /// The host; the root means that the domain takes no mail (RFC 7505).
    public let exchange: DomainName

    /// An exchanger of these parts.
    public init(preference: UInt16, exchange: DomainName) {
        self.preference = preference
        self.exchange = exchange
    }
}

/// What a record says, by its type.
public enum RecordData: Hashable, Sendable {
    /// A and AAAA.
    case address(IPAddress)
    /// MX.
    case exchanger(MXRecord)
    /// CNAME, PTR and NS.
    case name(DomainName)
    /// TXT: its strings, which have at most 255 bytes each.
    case strings([[UInt8]])
    /// Any other type, as it is on the wire.
    case raw([UInt8])
}

/// One record of an answer.
public struct Record: Hashable, Sendable {
    /// Whose record it is.
    public let owner: DomainName
    /// The number of its type.
    public let type: UInt16
    /// How long it may be kept, in seconds.
    public let timeToLive: UInt32
    /// What it says.
    public let data: RecordData
}

/// What a look-up found out. That nothing was found out is not here: it is thrown.
public enum Lookup<Value: Sendable>: Sendable {
    /// At least one record, in the order of the answer. The time to live is the least of the
    /// records' and of the aliases' that led to them, in seconds.
    case found([Value], timeToLive: UInt32)
    /// The name exists and has no record of this type.
    case noData
    /// The name does not exist (NXDOMAIN).
    case noName

    /// The records; none where there are none.
    public var values: [Value] {
        if case .found(let values, _) = self { values } else { [] }
    }

    /// True when there are no records: a void look-up (RFC 7208, section 4.6.4).
    public var isVoid: Bool { values.isEmpty }

    /// The same outcome with other values; what `transform` drops is dropped, and none left is
    /// no data.
    public func compactMap<Other: Sendable>(_ transform: (Value) -> Other?) -> Lookup<Other> {
        switch self {
        case .found(let values, let timeToLive):
            let kept = values.compactMap(transform)
            return kept.isEmpty ? .noData : .found(kept, timeToLive: timeToLive)
        case .noData: return .noData
        case .noName: return .noName
        }
    }
}

extension Lookup: Equatable where Value: Equatable {}

/// Why a look-up says neither yes nor no. Every case but `badName` is temporary, and `badName`
/// is a name that the DNS cannot hold.
public enum ResolverError: Error, Hashable, Sendable, CustomStringConvertible {
    /// Not a name of the DNS: a label is empty or over 63 bytes, or the name over 255.
    case badName
    /// No server answered in time.
    case timedOut
    /// The server said so: SERVFAIL is 2, REFUSED 5. RFC 1035, section 4.1.1.
    case refused(code: UInt8)
    /// The answer is not a DNS message, or a record in it is cut short.
    case malformed
    /// More than `Resolver.maximumAliases` aliases in a row, or a ring of them.
    case tooManyAliases
    /// More than `Resolver.maximumRecords` records.
    case tooManyRecords
    /// The network failed.
    case network(String)

    /// A short text for logs and replies.
    public var description: String {
        switch self {
        case .badName: "not a domain name"
        case .timedOut: "no answer in time"
        case .refused(let code): "server failure, code \(code)"
        case .malformed: "malformed answer"
        case .tooManyAliases: "too many aliases"
        case .tooManyRecords: "too many records"
        case .network(let text): text
        }
    }
}
