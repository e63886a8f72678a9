// DefaultNames: what an address without a whole domain is completed with.
// qmail-inject(8), sections on control files and environment; qmail-header(5).
// SPDX-License-Identifier: MIT

import Control
import MailModel
import UnixIO

/// The names of the host, as control files and the environment say.
public struct DefaultNames: Hashable, Sendable {
    /// For an address without a domain.
    public var host: [UInt8]
    /// For a domain without a dot.
    public var domain: [UInt8]
    /// For a domain that ends in `+`.
    public var plusDomain: [UInt8]
    /// For Message-IDs.
    public var idHost: [UInt8]

    init(host: [UInt8], domain: [UInt8], plusDomain: [UInt8], idHost: [UInt8]) {
        self.host = host
        self.domain = domain
        self.plusDomain = plusDomain
        self.idHost = idHost
    }

    /// Reads `defaulthost`, `defaultdomain`, `plusdomain` and `idhost`, each of which is `me`
    /// where it is missing, and the variables `QMAILDEFAULTHOST` and so on, which come first.
    /// Without `me` it is the name that the host has.
    /// - Throws: `ControlError`, `SystemError`.
    public init(_ control: ControlFolder) throws {
        let me = try control.meOrHost()
        func name(_ file: String, _ variable: String) throws -> [UInt8] {
            if let value = Environment.bytes(variable) { return value }
            return try control.line(file) ?? me
        }
        host = try name("defaulthost", "QMAILDEFAULTHOST")
        domain = try name("defaultdomain", "QMAILDEFAULTDOMAIN")
        plusDomain = try name("plusdomain", "QMAILPLUSDOMAIN")
        idHost = try name("idhost", "QMAILIDHOST")
    }

    /// The whole address: `bob` is `bob@` the default host, `bob@host` gets the default domain, and
    /// `bob@host+` the plus domain in place of its `+`.
    /// - Throws: `AddressError` when it is too long or holds what no envelope can.
    public func completed(
        _ localPart: [UInt8], _ domain: [UInt8]?
    ) throws(AddressError) -> Mailbox {
        var domain = domain.map(DefaultNames.withoutLastDot) ?? []
        if domain.isEmpty { domain = host }
        if domain.last == 0x2B {
            domain.removeLast()
            domain += [0x2E] + plusDomain
        }
        if !domain.contains(0x2E), domain.first != 0x5B { domain += [0x2E] + self.domain }
        do throws(MailboxError) {
            return try Mailbox(localPart + [0x40] + domain)
        } catch {
            throw error == .tooLong ? .tooLong : .forbiddenByte(0)
        }
    }

    /// Completes an address as an envelope has it: the domain is behind the last `@`.
    /// - Throws: `AddressError`.
    public func completed(bare bytes: [UInt8]) throws(AddressError) -> Mailbox {
        guard !bytes.isEmpty else { throw .unexpected("an empty address") }
        guard let at = bytes.lastIndex(of: 0x40) else { return try completed(bytes, nil) }
        return try completed(Array(bytes[..<at]), Array(bytes[(at + 1)...]))
    }

    private static func withoutLastDot(_ domain: [UInt8]) -> [UInt8] {
        domain.last == 0x2E ? domain.dropLast() : domain
    }
}
