// RedisAddress: where a Redis server is, and how to log in.
// throttle(8), section REDIS.
// SPDX-License-Identifier: MIT

import MailModel

/// `redis://[[USER]:PASSWORD@]HOST[:PORT][/DB]`, or `redis+unix://[[USER]:PASSWORD@]PATH[?db=DB]`.
public struct RedisAddress: Hashable, Sendable, CustomStringConvertible {
    /// Where the server listens.
    public enum Place: Hashable, Sendable {
        /// A host's name or address, and a port.
        case host(String, port: UInt16)
        /// The path of a Unix socket.
        case socket(String)
    }

    /// Where the server listens.
    public let place: Place
    /// The number of the database.
    public let database: Int
    /// The user, when one is named.
    let user: String?
    /// The password, when there is one.
    let password: String?

    /// The port when none is given.
    public static let port: UInt16 = 6379

    /// True for what begins as the address of a Redis server does.
    public static func isOne(_ text: String) -> Bool {
        text.hasPrefix("redis://") || text.hasPrefix("redis+unix://")
    }

    /// Reads an address; nil for anything else. In user and password `%XX` is a byte.
    public init?(_ text: String) {
        guard RedisAddress.isOne(text), let colon = text.firstIndex(of: ":") else { return nil }
        var rest = text[colon...].dropFirst(3)
        var login: (user: String?, password: String?) = (nil, nil)
        if let at = rest.lastIndex(of: "@") {
            let words = rest[..<at].split(
                separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            rest = rest[at...].dropFirst()
            guard words.count == 2, let name = RedisAddress.decoded(words[0]),
                let secret = RedisAddress.decoded(words[1]), !secret.isEmpty
            else { return nil }
            login = (name.isEmpty ? nil : name, secret)
        }
        (user, password) = login
        let isSocket = text.hasPrefix("redis+unix:")
        let parts = RedisAddress.cut(rest, at: isSocket ? "?" : "/")
        let number = parts.tail.map { isSocket ? $0.dropFirst(3) : $0 }
        guard !isSocket || parts.tail?.hasPrefix("db=") ?? true else { return nil }
        guard let number, !number.isEmpty else {
            // A slash without a number is fine, a question mark without one is not.
            guard number == nil || !isSocket else { return nil }
            database = 0
            guard let place = RedisAddress.place(parts.head, isSocket) else { return nil }
            self.place = place
            return
        }
        guard let database = number.utf8.decimalValue, database <= 65_535,
            let place = RedisAddress.place(parts.head, isSocket)
        else { return nil }
        self.database = database
        self.place = place
    }

    /// The address without user and password.
    public var description: String {
        switch place {
        case .host(let name, let port):
            "redis://\(name.contains(":") ? "[\(name)]" : name):\(port)/\(database)"
        case .socket(let path): "redis+unix://\(path)?db=\(database)"
        }
    }

    private static func place(_ text: Substring, _ isSocket: Bool) -> Place? {
        guard !text.isEmpty, text.utf8.allSatisfy({ $0 > 0x20 && $0 != 0x7F }) else { return nil }
        guard !isSocket else { return text.hasPrefix("/") ? .socket(String(text)) : nil }
        if text.hasPrefix("[") {
            let parts = cut(text.dropFirst(), at: "]")
            guard let tail = parts.tail, IPAddress(String(parts.head))?.isVersion4 == false,
                tail.isEmpty || tail.hasPrefix(":")
            else { return nil }
            return host(parts.head, tail.isEmpty ? nil : tail.dropFirst())
        }
        let parts = cut(text, at: ":")
        return host(parts.head, parts.tail)
    }

    private static func host(_ name: Substring, _ port: Substring?) -> Place? {
        guard !name.isEmpty else { return nil }
        guard let port else { return .host(String(name), port: RedisAddress.port) }
        guard let number = port.utf8.decimalValue.flatMap(UInt16.init(exactly:)), number > 0 else {
            return nil
        }
        return .host(String(name), port: number)
    }

    private static func cut(
        _ text: Substring, at separator: Character
    ) -> (head: Substring, tail: Substring?) {
        guard let index = text.firstIndex(of: separator) else { return (text, nil) }
        return (text[..<index], text[index...].dropFirst())
    }

    private static func decoded(_ text: Substring) -> String? {
        var bytes: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            guard byte == 0x25 else {
                bytes.append(byte)
                continue
            }
            let digits = rest.prefix(2)
            rest = rest.dropFirst(2)
            guard digits.count == 2, digits.allSatisfy({ $0 != 0x2B && $0 != 0x2D }),
                let value = UInt8(String(decoding: digits, as: UTF8.self), radix: 16)
            else { return nil }
            bytes.append(value)
        }
        return String(validating: bytes, as: UTF8.self)
    }
}
