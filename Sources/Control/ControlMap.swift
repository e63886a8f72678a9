// ControlMap: look-ups by key without regard to case, as qmail's constmap does.
// qmail-send(8), virtualdomains; qmail-remote(8), smtproutes.
// SPDX-License-Identifier: MIT

import MailModel

/// Keys, with ASCII case folded, and their values. Of two lines with the same key the later wins.
public struct ControlMap: Hashable, Sendable {
    private var values: [[UInt8]: [UInt8]] = [:]

    /// Keys whose values are empty.
    public init(keys: some Sequence<[UInt8]>) {
        for key in keys { values[key.asciiLowercased] = [] }
    }

    /// Lines of `key:value`, divided by the first colon. A line without one is left out.
    public init(colonLines lines: some Sequence<[UInt8]>) {
        for line in lines {
            guard let colon = line.firstIndex(of: 0x3A) else { continue }
            values[line[..<colon].asciiLowercased] = Array(line[(colon + 1)...])
        }
    }

    /// The value of a key; nil when the key is not there.
    public subscript(key: some Collection<UInt8>) -> [UInt8]? { values[key.asciiLowercased] }

    /// True when the key is there.
    public func contains(_ key: some Collection<UInt8>) -> Bool { self[key] != nil }

    /// The value for a domain: of the domain itself, else of its longest `.suffix`. The empty key
    /// is not looked at.
    public func value(forDomain domain: some Collection<UInt8>) -> [UInt8]? {
        let domain = domain.asciiLowercased
        for suffix in DomainSuffixes(domain) {
            if let value = values[Array(suffix)] { return value }
        }
        return nil
    }

    /// Every key, in no order.
    public var keys: some Collection<[UInt8]> { values.keys }
}

/// A domain and then its `.suffix`es from the longest to the shortest; of an empty one nothing.
struct DomainSuffixes: Sequence, IteratorProtocol {
    private var rest: ArraySlice<UInt8>?

    init(_ domain: [UInt8]) { rest = domain.isEmpty ? nil : domain[...] }

    mutating func next() -> ArraySlice<UInt8>? {
        guard let current = rest else { return nil }
        let after = current.dropFirst()
        rest = after.firstIndex(of: 0x2E).map { after[$0...] }
        return current
    }
}
