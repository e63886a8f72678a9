// QmailRouting: which local-part of this host an address is, as qmail-send rewrites it.
// qmail-send(8); locals, virtualdomains, percenthack, envnoathost.
// SPDX-License-Identifier: MIT

public import MailModel

/// Where qmail-send would hand an address to.
public enum QmailRoute: Hashable, Sendable {
    /// To a user of this host; `isVirtual` when virtualdomains put something before it.
    case local([UInt8], domain: [UInt8], isVirtual: Bool)
    /// To another host.
    case remote
}

/// The control files that say which addresses are local.
public struct QmailRouting: Hashable, Sendable {
    private let locals: ControlMap
    private let virtual: ControlMap
    private let percentHack: ControlMap
    private let domainOfNone: [UInt8]

    /// The files that are read, for whom watches them.
    public static let files = ["me", "locals", "virtualdomains", "percenthack", "envnoathost"]

    /// Reads the files.
    /// - Throws: `ControlError` when one that is there cannot be read, or `me` is missing.
    public init(_ control: ControlFolder) throws(ControlError) {
        let me = try control.me()
        locals = try control.keys("locals") ?? ControlMap(keys: [me])
        virtual = try control.map("virtualdomains") ?? ControlMap(keys: [])
        percentHack = try control.keys("percenthack") ?? ControlMap(keys: [])
        domainOfNone = try control.lineOrMe("envnoathost")
    }

    /// The address that is meant: without a domain it is in that of `envnoathost`; while the domain
    /// is in `percenthack`, the last `%` of the local-part becomes the `@`. Its case is kept. What
    /// would be no address any more stays as it is.
    public func rewritten(_ mailbox: Mailbox) -> Mailbox {
        var local = mailbox.localPart
        var domain = mailbox.domain ?? domainOfNone[...]
        while percentHack.contains(domain), let percent = local.lastIndex(of: 0x25) {
            domain = local[(percent + 1)...]
            local = local[..<percent]
        }
        guard domain.startIndex != mailbox.domain?.startIndex else { return mailbox }
        return (try? Mailbox(Array(local) + [0x40] + domain)) ?? mailbox
    }

    /// Where an address goes, after it was rewritten.
    public func route(_ mailbox: Mailbox) -> QmailRoute {
        let mailbox = rewritten(mailbox)
        let local = mailbox.localPart
        let host = Array(mailbox.domain ?? domainOfNone[...])
        if locals.contains(host) { return .local(Array(local), domain: host, isVirtual: false) }
        // The longest key first: the address, the domain, its suffixes, nothing. An empty value is
        // an exception from the keys after it.
        let value =
            virtual[local + [0x40] + host] ?? virtual.value(forDomain: host) ?? virtual[[]]
        guard let value, !value.isEmpty else { return .remote }
        return .local(value + [0x2D] + local, domain: host, isVirtual: true)
    }
}
