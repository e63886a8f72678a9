// OAuthBearer: what a client says with the mechanism OAUTHBEARER, and what it is told.
// RFC 7628, section 3; GNU SASL has no such mechanism.
// SPDX-License-Identifier: MIT

/// A client's response. RFC 7628, section 3.1:
///
///     gs2-header kvsep *kvpair kvsep
public struct OAuthBearer: Equatable, Sendable {
    /// The identity that the client wants to act as; empty when it names none.
    public private(set) var authorization: [UInt8] = []
    /// The token; empty when the client has none and asks where to get one.
    public private(set) var token: [UInt8] = []

    private static let separator: UInt8 = 0x01

    /// Reads a response; nil when it is none.
    public init?(_ bytes: [UInt8]) {
        // gs2-header is `n,` or `y,`, an identity, and a comma. The mechanism binds to no channel,
        // so `p=` is an error. RFC 5801, section 4.
        let parts = bytes.split(
            separator: 0x2C, maxSplits: 2, omittingEmptySubsequences: false)
        guard parts.count == 3, parts[0] == [0x6E] || parts[0] == [0x79],
            let authorization = OAuthBearer.authorization(parts[1]),
            let pairs = OAuthBearer.pairs(parts[2])
        else { return nil }
        self.authorization = authorization
        guard let value = pairs.first(where: { $0.key.elementsEqual("auth".utf8) })?.value else {
            return nil
        }
        guard let token = OAuthBearer.token(value) else { return nil }
        self.token = Array(token)
    }

    /// The error challenge of section 3.2.2, in JSON. The status is one of the words that RFC
    /// 6750, section 3.1, knows.
    public static func errorChallenge(_ status: String, scope: String? = nil) -> [UInt8] {
        let words = [("status", status)] + (scope.map { [("scope", $0)] } ?? [])
        let pairs = words.map { "\"\($0)\":\"\($1)\"" }
        return Array("{\(pairs.joined(separator: ","))}".utf8)
    }

    /// `a=` and a name in which `=2C` is a comma and `=3D` an equals sign, or nothing.
    private static func authorization(_ bytes: ArraySlice<UInt8>) -> [UInt8]? {
        guard !bytes.isEmpty else { return [] }
        guard bytes.starts(with: "a=".utf8), bytes.count > 2, !bytes.contains(0) else {
            return nil
        }
        var name: [UInt8] = []
        var rest = bytes.dropFirst(2)
        while let byte = rest.popFirst() {
            guard byte == 0x3D else {
                name.append(byte)
                continue
            }
            if rest.starts(with: "2C".utf8) {
                name.append(0x2C)
            } else if rest.starts(with: "3D".utf8) {
                name.append(0x3D)
            } else {
                return nil
            }
            rest = rest.dropFirst(2)
        }
        return name
    }

    /// `%x01 *(key "=" value %x01) %x01`
    private static func pairs(
        _ bytes: ArraySlice<UInt8>
    ) -> [(key: ArraySlice<UInt8>, value: ArraySlice<UInt8>)]? {
        guard bytes.count >= 2, bytes.first == separator, bytes.last == separator else {
            return nil
        }
        var pairs: [(key: ArraySlice<UInt8>, value: ArraySlice<UInt8>)] = []
        var rest = bytes.dropFirst().dropLast()
        while !rest.isEmpty {
            guard let end = rest.firstIndex(of: separator),
                let equals = rest[..<end].firstIndex(of: 0x3D)
            else { return nil }
            let key = rest[..<equals]
            let value = rest[(equals + 1)..<end]
            guard !key.isEmpty, key.allSatisfy({ isLetter($0) }), value.allSatisfy(isOfValue),
                !pairs.contains(where: { $0.key.elementsEqual(key) })
            else { return nil }
            pairs.append((key, value))
            rest = rest[(end + 1)...]
        }
        return pairs
    }

    private static func isLetter(_ byte: UInt8) -> Bool {
        (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
    }

    /// VCHAR, blanks and line ends. RFC 7628, section 3.1.
    private static func isOfValue(_ byte: UInt8) -> Bool {
        (0x20...0x7E).contains(byte) || byte == 0x09 || byte == 0x0A || byte == 0x0D
    }

    /// `Bearer` in any case and a token; empty when there is nothing at all. RFC 6750, section
    /// 2.1: b64token.
    private static func token(_ value: ArraySlice<UInt8>) -> ArraySlice<UInt8>? {
        guard !value.isEmpty else { return value }
        let word = value.prefix(6)
        guard word.map({ $0 | 0x20 }).elementsEqual("bearer".utf8), value.dropFirst(6).first == 0x20
        else { return nil }
        let token = value.dropFirst(6).drop { $0 == 0x20 }
        guard !token.isEmpty, token.allSatisfy({ (0x21...0x7E).contains($0) }) else { return nil }
        return token
    }
}
