// RemoteSettings: what deliver-remote is told.
// deliver-remote(8); qmail-control(5).
// SPDX-License-Identifier: MIT

public import Control
import MailModel
public import Resolver
import UnixIO

/// Names, routes, limits. Every limit has its default here.
public struct RemoteSettings: Sendable {
    /// What we say at EHLO: `helohost`, else `me`.
    public var helloName: [UInt8]
    /// Our own name: an exchanger of this name is ourselves.
    public var me: [UInt8]
    /// Where mail goes whatever the DNS says.
    public var routes: SMTPRoutes
    /// Who is asked for addresses.
    public var resolver: Resolver
    /// `timeoutconnect`: for one connection.
    public var connectLimit = Duration.seconds(60)
    /// `timeoutremote`: for each step of a session instead of what RFC 5321, section 4.5.3.2,
    /// says; nil without the file.
    public var stepLimit: Duration?
    /// For all the look-ups of a delivery.
    public var lookupLimit = Duration.seconds(120)
    /// For the whole of a delivery; less than what queue-manager(8) allows, so that it hears of it.
    public var deliveryLimit = Duration.seconds(3000)
    /// How many addresses are tried in a delivery.
    public var maximumAddresses = 20
    /// The port where no route names one.
    public var port: UInt16 = 25
    /// The addresses of this host; an exchanger that has one is ourselves.
    public var ownAddresses: Set<[UInt8]> = []
    /// `outgoingip`: our end of connections, one address for each family that has one.
    public var outgoingAddresses: [IPAddress] = []
    /// `authclear`: relays that are given a password without TLS.
    public var clearLogins: Set<[UInt8]> = []
    /// The most messages of one session, and how long it may go on.
    public var sessionMessages = 100
    /// See `sessionMessages`.
    public var sessionLimit = Duration.seconds(300)
    /// What is asked of TLS; nil: all goes in clear.
    public var security: (any DestinationSecurity & Sendable)?

    /// Reads the control files.
    /// - Throws: `ControlError`, and `SystemError` when this host's addresses are not to be had.
    public init(_ control: ControlFolder, resolver: Resolver) throws {
        me = try control.me()
        helloName = try control.lineOrMe("helohost")
        guard !helloName.isEmpty, helloName.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
            throw control.invalid("helohost", 1, "not a name: \(helloName.printable)")
        }
        routes = try SMTPRoutes(control)
        self.resolver = resolver
        if let seconds = try control.integer("timeoutconnect"), seconds > 0 {
            connectLimit = .seconds(min(seconds, 86_400))
        }
        if let seconds = try control.integer("timeoutremote"), seconds > 0 {
            stepLimit = .seconds(min(seconds, 86_400))
        }
        ownAddresses = Set(try InternetSocket.ownAddresses())
        outgoingAddresses = try RemoteSettings.outgoingAddresses(control)
        clearLogins = Set(try control.list("authclear")?.map { $0.bytes.asciiLowercased } ?? [])
    }

    /// One IPv4 and one IPv6 address at most; 0.0.0.0 and :: leave the choice to the system.
    private static func outgoingAddresses(
        _ control: ControlFolder
    ) throws(ControlError) -> [IPAddress] {
        var addresses: [IPAddress] = []
        for line in try control.list("outgoingip") ?? [] {
            guard let address = IPAddress(line.bytes) else {
                throw control.invalid(
                    "outgoingip", line.number, "not an address: \(line.bytes.printable)")
            }
            guard !addresses.contains(where: { $0.isVersion4 == address.isVersion4 }) else {
                throw control.invalid(
                    "outgoingip", line.number, "a second address of the same family")
            }
            addresses.append(address)
        }
        return addresses.filter { $0.bytes.contains { $0 != 0 } }
    }

    /// Our end of a connection to an address; nil: as the system chooses.
    func source(for address: IPAddress) -> [UInt8]? {
        outgoingAddresses.first { $0.isVersion4 == address.isVersion4 }?.bytes
    }

    /// True when mail for this host and address would come back to us. Only where it goes to the
    /// port of mail: on another port somebody else may answer.
    func isOurselves(_ host: [UInt8], _ address: IPAddress?) -> Bool {
        guard port == 25 else { return false }
        if host.equalsIgnoringASCIICase(me) { return true }
        guard let address else { return false }
        return address.isLoopback || address.bytes.allSatisfy { $0 == 0 }
            || ownAddresses.contains { IPAddress(bytes: $0) == address }
    }
}
