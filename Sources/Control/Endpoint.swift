// Endpoint, Listener, RelayClients: addresses in control files.
// chainmail(7), section FILES.
// SPDX-License-Identifier: MIT

import MailModel

/// An address and a port: `192.0.2.1:25`, `[2001:db8::1]:25`.
public struct Endpoint: Hashable, Sendable, CustomStringConvertible {
    /// The address; `0.0.0.0` and `::` are any of the host's.
    public let address: IPAddress
    /// The port; 0 lets the kernel choose where we listen.
    public let port: UInt16

    /// An endpoint of these parts.
    public init(_ address: IPAddress, port: UInt16) {
        self.address = address
        self.port = port
    }

    /// Reads `ADDRESS:PORT`; nil for anything else. An IPv6 address stands in brackets. Where a
    /// port is given here, `ADDRESS` alone will do, and then an IPv6 address may go without.
    public init?(_ text: some Collection<UInt8>, defaultPort: UInt16? = nil) {
        let text = Array(text)
        if let defaultPort, let address = IPAddress(text) {
            self.init(address, port: defaultPort)
            return
        }
        let isBracketed = text.first == 0x5B
        guard let end = text.lastIndex(of: isBracketed ? 0x5D : 0x3A) else {
            return nil
        }
        let host = isBracketed ? text[1..<end] : text[..<end]
        let rest = isBracketed ? text[(end + 1)...] : text[end...]
        guard let address = IPAddress(host), isBracketed || address.isVersion4 else { return nil }
        if rest.isEmpty, let defaultPort {
            self.init(address, port: defaultPort)
            return
        }
        guard rest.first == 0x3A, let number = rest.dropFirst().decimalValue,
            let port = UInt16(exactly: number)
        else { return nil }
        self.init(address, port: port)
    }

    /// Reads it from text.
    public init?(_ text: String, defaultPort: UInt16? = nil) {
        self.init(Array(text.utf8), defaultPort: defaultPort)
    }

    /// The form that it is read from.
    public var description: String {
        address.isVersion4 ? "\(address):\(port)" : "[\(address)]:\(port)"
    }
}

/// What is spoken on a listener.
public enum ListenerService: String, CaseIterable, Sendable {
    /// Mail from other servers. RFC 5321.
    case smtp
    /// Mail from users. RFC 6409.
    case submission
    /// Mail from users, in TLS from the first byte. RFC 8314.
    case smtps
}

/// One line of `control/listen`: `smtp 0.0.0.0:25`.
public struct Listener: Hashable, Sendable {
    /// What is spoken there.
    public let service: ListenerService
    /// Where it is.
    public let endpoint: Endpoint
}

extension ControlFolder {
    /// The listeners of `listen`; empty when the file is missing.
    public func listeners() throws(ControlError) -> [Listener] {
        try (list("listen") ?? []).map { line throws(ControlError) in
            let words = line.bytes.split(whereSeparator: \.isBlank)
            guard words.count == 2 else {
                throw invalid("listen", line.number, "a line is a service and ADDRESS:PORT")
            }
            let name = String(decoding: words[0], as: UTF8.self)
            guard let service = ListenerService(rawValue: name) else {
                let known = ListenerService.allCases.map(\.rawValue).joined(separator: ", ")
                throw invalid(
                    "listen", line.number, "no service \(words[0].printable); there are \(known)")
            }
            guard let endpoint = Endpoint(words[1]) else {
                throw invalid("listen", line.number, "not ADDRESS:PORT: \(words[1].printable)")
            }
            return Listener(service: service, endpoint: endpoint)
        }
    }

    /// The DNS resolver of `resolver`, port 53 unless it says; nil when the file is missing.
    public func resolver() throws(ControlError) -> Endpoint? { try resolverLine()?.endpoint }

    /// The same, and whether the word `validating` behind it says that it validates by DNSSEC.
    public func resolverLine() throws(ControlError) -> (endpoint: Endpoint, isValidating: Bool)? {
        guard let line = try line("resolver") else { return nil }
        let words = line.split(whereSeparator: \.isBlank)
        guard let first = words.first, let endpoint = Endpoint(first, defaultPort: 53) else {
            throw invalid("resolver", 1, "not ADDRESS or ADDRESS:PORT: \(line.printable)")
        }
        guard words.count == 1 || words.dropFirst().elementsEqual([Array("validating".utf8)[...]])
        else {
            throw invalid(
                "resolver", 1, "only the word validating may follow: \(line.printable)")
        }
        return (endpoint, words.count == 2)
    }

    /// The networks of `relayclients`, whose clients may relay; empty when the file is missing.
    public func relayClients() throws(ControlError) -> [Network] { try networks("relayclients") }

    /// The networks of `barelf`, from whose clients a bare LF is taken for a line end; empty when the
    /// file is missing.
    public func bareLineFeedClients() throws(ControlError) -> [Network] { try networks("barelf") }

    /// Addresses and networks, one a line; empty when the file is missing.
    public func networks(_ name: String) throws(ControlError) -> [Network] {
        try (list(name) ?? []).map { line throws(ControlError) in
            guard let network = Network(line.bytes.trimmed) else {
                throw invalid(
                    name, line.number,
                    "not an address or ADDRESS/LENGTH: \(line.bytes.printable)")
            }
            return network
        }
    }
}
