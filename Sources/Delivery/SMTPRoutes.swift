// SMTPRoutes: domains whose mail goes to a host that we are told.
// qmail-remote(8), smtproutes.
// SPDX-License-Identifier: MIT

public import Control
import MailModel

/// Where mail for a domain goes instead of its exchangers.
public struct SMTPRoute: Hashable, Sendable {
    /// The name, address or address literal of a host.
    public let host: [UInt8]
    /// Its port; nil for the usual one.
    public let port: UInt16?
}

/// The lines of `smtproutes`: `domain:relay[:port]`, `.domain:relay[:port]` for what is below a
/// domain, `:relay[:port]` for everything else. An empty relay means the exchangers of the DNS.
public struct SMTPRoutes: Hashable, Sendable {
    private let routes: ControlMap

    /// Reads the file; none is no route.
    /// - Throws: `ControlError` for a line that is not of this form: mail must not go elsewhere
    ///   because of a slip.
    public init(_ control: ControlFolder) throws(ControlError) {
        let lines = try control.list("smtproutes") ?? []
        for line in lines {
            guard let colon = line.bytes.firstIndex(of: 0x3A) else {
                throw control.invalid(
                    "smtproutes", line.number, "not DOMAIN:RELAY or DOMAIN:RELAY:PORT")
            }
            let relay = line.bytes[(colon + 1)...]
            guard relay.isEmpty || SMTPRoute(relay) != nil else {
                throw control.invalid(
                    "smtproutes", line.number, "not RELAY or RELAY:PORT: \(relay.printable)")
            }
        }
        routes = ControlMap(colonLines: lines.map(\.bytes))
    }

    /// The route of a domain: its own, else that of its longest `.suffix`, else that of the empty
    /// key; nil where the DNS decides.
    public func route(for domain: [UInt8]) -> SMTPRoute? {
        SMTPRoute(routes.value(forDomain: domain) ?? routes[[]] ?? [])
    }
}

extension SMTPRoute {
    /// Reads `RELAY` or `RELAY:PORT`; an IPv6 address stands in brackets.
    init?(_ value: some Collection<UInt8>) {
        let value = Array(value)
        let isBracketed = value.first == 0x5B
        let end =
            isBracketed ? value.lastIndex(of: 0x5D).map { $0 + 1 } : value.firstIndex(of: 0x3A)
        let host = value[..<(end ?? value.endIndex)]
        let rest = value[host.endIndex...]
        guard !host.isEmpty, host.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != 0x7C }) else {
            return nil
        }
        self.host = Array(host)
        guard !rest.isEmpty else {
            port = nil
            return
        }
        guard rest.first == 0x3A,
            let port = rest.dropFirst().decimalValue.flatMap(UInt16.init(exactly:)), port > 0
        else { return nil }
        self.port = port
    }
}
