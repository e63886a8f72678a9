// QmailRouting: which local-part of this host an address is, as qmail-send rewrites it.
// qmail-send(8); locals, virtualdomains, percenthack, envnoathost.
// SPDX-License-Identifier: MIT

import Control
import MailModel

/// Where qmail-send would hand an address to.
enum QmailRoute: Hashable {
    /// To a user of this host; `isVirtual` when virtualdomains put something before it.
    case local([UInt8], domain: [UInt8], isVirtual: Bool)
    /// To another host.
    case remote
}

/// The control files that say which addresses are local.
struct QmailRouting {
    private let locals: ControlMap
    private let virtual: ControlMap
    private let percentHack: ControlMap
    private let domainOfNone: [UInt8]

    /// The files that are read, for whom watches them.
    static let files = ["me", "locals", "virtualdomains", "percenthack", "envnoathost"]

    /// Reads the files.
    init(_ control: ControlFolder) throws(ControlError) {
        let me = try control.me()
        locals = try control.keys("locals") ?? ControlMap(keys: [me])
        virtual = try control.map("virtualdomains") ?? ControlMap(keys: [])
        percentHack = try control.keys("percenthack") ?? ControlMap(keys: [])
        domainOfNone = try control.lineOrMe("envnoathost")
    }

    /// Rewrites an address. Its case is kept.
    func route(_ mailbox: Mailbox) -> QmailRoute {
        var local = mailbox.localPart
        var domain = mailbox.domain ?? domainOfNone[...]
        while percentHack.contains(domain), let percent = local.lastIndex(of: 0x25) {
            domain = local[(percent + 1)...]
            local = local[..<percent]
        }
        let host = Array(domain)
        if locals.contains(host) { return .local(Array(local), domain: host, isVirtual: false) }
        // The longest key first: the address, the domain, its suffixes, nothing. An empty value is
        // an exception from the keys after it.
        let value =
            virtual[local + [0x40] + domain] ?? virtual.value(forDomain: host) ?? virtual[[]]
        guard let value, !value.isEmpty else { return .remote }
        return .local(value + [0x2D] + local, domain: host, isVirtual: true)
    }
}
