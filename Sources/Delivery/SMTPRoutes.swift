// SMTPRoutes: domains and senders whose mail goes to a host that we are told.
// qmail-remote(8), smtproutes; deliver-remote(8).
// SPDX-License-Identifier: MIT

public import Control
import MailModel
public import SMTPClient

/// Where mail goes instead of to the exchangers of its domain.
public struct SMTPRoute: Hashable, Sendable {
    /// The name, address or address literal of a host.
    public let host: [UInt8]
    /// Its port; nil for the usual one.
    public let port: UInt16?
    /// Who we are there; nil where it does not ask.
    public let login: ClientLogin?
}

/// The lines of `smtproutes`: `domain:relay[:port][|user|password]`, `.domain:...` for what is below
/// a domain, `:...` for everything else. An empty relay means the exchangers of the DNS. Those of
/// `authsenders` have the same form with a reverse-path, or `@domain` of one, as their key; they come
/// first.
public struct SMTPRoutes: Hashable, Sendable {
    private let routes: ControlMap
    private let senders: ControlMap

    /// Reads the files; none is no route.
    /// - Throws: `ControlError` for a line that is not of this form: mail must not go elsewhere
    ///   because of a slip.
    public init(_ control: ControlFolder) throws(ControlError) {
        routes = try SMTPRoutes.lines(control, "smtproutes") { _ in true }
        senders = try SMTPRoutes.lines(control, "authsenders") { $0.contains(0x40) }
    }

    private static func lines(
        _ control: ControlFolder, _ file: String, isKey: (ArraySlice<UInt8>) -> Bool
    ) throws(ControlError) -> ControlMap {
        let lines = try control.list(file) ?? []
        for line in lines {
            guard let colon = line.bytes.firstIndex(of: 0x3A), isKey(line.bytes[..<colon]) else {
                throw control.invalid(file, line.number, "not KEY:RELAY or KEY:RELAY:PORT")
            }
            let relay = line.bytes[(colon + 1)...]
            guard relay.isEmpty || SMTPRoute(relay) != nil else {
                // No password in a log.
                let shown = relay.prefix { $0 != 0x7C }
                throw control.invalid(
                    file, line.number,
                    "not RELAY or RELAY:PORT, with or without |USER|PASSWORD: \(shown.printable)")
            }
        }
        return ControlMap(colonLines: lines.map(\.bytes))
    }

    /// The route of a message: that of its reverse-path, else of the reverse-path's domain, else of
    /// the recipients' domain itself, else of its longest `.suffix`, else that of the empty key; nil
    /// where the DNS decides.
    public func route(for domain: [UInt8], from sender: ReversePath = .null) -> SMTPRoute? {
        if let mailbox = sender.mailbox {
            let own = mailbox.domain.flatMap { senders[[0x40] + $0] }
            if let value = senders[mailbox.bytes] ?? own, !value.isEmpty {
                return SMTPRoute(value)
            }
        }
        return SMTPRoute(routes.value(forDomain: domain) ?? routes[[]] ?? [])
    }
}

extension SMTPRoute {
    /// Reads `RELAY[:PORT][|USER|PASSWORD]`; an IPv6 address stands in brackets.
    init?(_ value: some Collection<UInt8>) {
        let parts = Array(value)
            .split(separator: 0x7C, maxSplits: 2, omittingEmptySubsequences: false)
            .map { Array($0) }
        guard let place = parts.first else { return nil }
        let isBracketed = place.first == 0x5B
        let end =
            isBracketed ? place.lastIndex(of: 0x5D).map { $0 + 1 } : place.firstIndex(of: 0x3A)
        let host = place[..<(end ?? place.endIndex)]
        guard !host.isEmpty, host.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else { return nil }
        self.host = Array(host)
        switch SMTPRoute.port(place[host.endIndex...]) {
        case .some(let port): self.port = port
        case nil: return nil
        }
        switch parts.count {
        case 1: login = nil
        case 3:
            guard let login = ClientLogin(user: parts[1], password: parts[2]) else {
                return nil
            }
            self.login = login
        default: return nil
        }
    }

    /// The port of `:PORT`; the inner nil where nothing is said.
    private static func port(_ rest: ArraySlice<UInt8>) -> UInt16?? {
        guard !rest.isEmpty else { return .some(nil) }
        guard rest.first == 0x3A,
            let port = rest.dropFirst().decimalValue.flatMap(UInt16.init(exactly:)), port > 0
        else { return nil }
        return port
    }
}
