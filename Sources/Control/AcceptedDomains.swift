// AcceptedDomains: whom we accept mail for.
// smtp-server(8); qmail-smtpd(8), rcpthosts.
// SPDX-License-Identifier: MIT

import MailModel
import UnixIO

/// The domains that are ours. If `rcpthosts` or `morercpthosts` exist, they alone say which; else
/// `locals` and the domains and `.suffix`es of `virtualdomains` with a value do. Without any file
/// it is nobody, where qmail would accept for everybody.
public struct AcceptedDomains: Sendable {
    private enum Source: Sendable {
        case listed(ControlMap, ControlMap, ConstantDatabase?)
        case delivered(locals: ControlMap, virtual: ControlMap)
    }

    private let source: Source
    private let percentHack: ControlMap
    private let domainOfNone: [UInt8]

    /// Reads the files.
    /// - Throws: `ControlError` when one that is there cannot be read.
    public init(_ control: ControlFolder) throws(ControlError) {
        let empty = ControlMap(keys: [])
        let hosts = try control.keys("rcpthosts")
        let more = try control.keys("morercpthosts")
        let database = try ConstantDatabase.ifPresent(control.file("morercpthosts.cdb"))
        if hosts == nil, more == nil, database == nil {
            source = .delivered(
                locals: try control.keys("locals") ?? empty,
                virtual: try control.map("virtualdomains") ?? empty)
        } else {
            // A database is made of the text beside it, which may be newer and not yet in force.
            source = .listed(hosts ?? empty, database == nil ? more ?? empty : empty, database)
        }
        percentHack = try control.keys("percenthack") ?? empty
        // Who has no name of his own accepts nothing without a domain, and the rest all the same.
        if let line = try control.line("envnoathost") {
            domainOfNone = line
        } else {
            domainOfNone = try control.line("me") ?? []
        }
    }

    /// True when mail to this address is for us. An address without a domain is in that of
    /// `envnoathost`, else of `me`; without both it is not for us. What `percenthack` turns an
    /// address into must be ours as well.
    /// - Throws: `ControlError` when `morercpthosts.cdb` cannot be read.
    public func accepts(_ mailbox: Mailbox) throws(ControlError) -> Bool {
        var localPart = mailbox.localPart
        var domain = mailbox.domain ?? domainOfNone[...]
        while true {
            guard try contains(domain) else { return false }
            guard percentHack.contains(domain), let percent = localPart.lastIndex(of: 0x25) else {
                return true
            }
            domain = localPart[(percent + 1)...]
            localPart = localPart[..<percent]
        }
    }

    /// True when the domain is ours.
    /// - Throws: `ControlError` when `morercpthosts.cdb` cannot be read.
    public func contains(_ domain: some Collection<UInt8>) throws(ControlError) -> Bool {
        let domain = domain.asciiLowercased
        switch source {
        case .listed(let hosts, let more, let database):
            for suffix in DomainSuffixes(domain) {
                if hosts.contains(suffix) || more.contains(suffix) { return true }
                if let database, try database.value(for: suffix) != nil { return true }
            }
            return false
        case .delivered(let locals, let virtual):
            // An empty value is an exception from a shorter suffix: qmail-send(8).
            if locals.contains(domain) { return true }
            return virtual.value(forDomain: domain).map { !$0.isEmpty } ?? false
        }
    }
}
