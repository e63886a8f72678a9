// NameServer: where questions are sent.
// resolv.conf(5).
// SPDX-License-Identifier: MIT

import Glibc
public import MailModel
import UnixIO

/// Address and port of a resolver.
public struct NameServer: Hashable, Sendable, CustomStringConvertible {
    /// Its address.
    public let address: IPAddress
    /// Its port, for UDP and TCP.
    public let port: UInt16

    /// A resolver at this address.
    public init(_ address: IPAddress, port: UInt16 = 53) {
        self.address = address
        self.port = port
    }

    /// Reads `192.0.2.1`, `192.0.2.1:5353`, `2001:db8::1` or `[2001:db8::1]:5353`; nil for
    /// anything else.
    public init?(_ text: some Collection<UInt8>) {
        let text = Array(text)
        if let address = IPAddress(text) {
            self.init(address)
            return
        }
        guard let colon = text.lastIndex(of: 0x3A), (1...5).contains(text.count - colon - 1),
            let number = text[(colon + 1)...].decimalValue, let port = UInt16(exactly: number),
            port > 0
        else { return nil }
        var host = text[..<colon]
        let isBracketed = host.first == 0x5B && host.last == 0x5D && host.count > 2
        if isBracketed { host = host.dropFirst().dropLast() }
        guard let address = IPAddress(host), isBracketed == host.contains(0x3A) else { return nil }
        self.init(address, port: port)
    }

    /// Reads an address from text.
    public init?(_ text: String) { self.init(Array(text.utf8)) }

    /// `192.0.2.1:53` or `[2001:db8::1]:53`.
    public var description: String {
        address.isVersion4 ? "\(address):\(port)" : "[\(address)]:\(port)"
    }

    /// The most servers that are read from the host's file, as in resolv.conf(5).
    public static let maximumOfHost = 3

    /// The host's own servers: the `nameserver` lines of /etc/resolv.conf, else 127.0.0.1, which
    /// is also what a file that is missing means. Nothing else of the file is heeded: we always
    /// ask for whole names.
    /// - Throws: `SystemError` when the file is there and cannot be read.
    public static func ofHost(file: String = "/etc/resolv.conf") throws(SystemError) -> [NameServer]
    {
        var text: [UInt8] = []
        do throws(SystemError) {
            text = try Files.contents(of: file, limit: 1 << 20)
        } catch  where error.errno == .noSuchFileOrDirectory {}
        let servers = list(resolvConf: text)
        guard servers.isEmpty else { return servers }
        return IPAddress(bytes: [127, 0, 0, 1]).map { [NameServer($0)] } ?? []
    }

    static func list(resolvConf text: [UInt8]) -> [NameServer] {
        let servers = text.split(separator: 0x0A).compactMap { line -> NameServer? in
            let words = line.split { $0.isBlank || $0 == 0x0D }
            guard words.count >= 2, words[0].elementsEqual("nameserver".utf8) else { return nil }
            return IPAddress(words[1]).map { NameServer($0) }
        }
        return Array(servers.prefix(maximumOfHost))
    }
}
