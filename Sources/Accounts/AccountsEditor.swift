// AccountsEditor: mailboxes, those who may log in to them, and their domains, changed together.
// chainmail(1), mailboxes and domain.
// SPDX-License-Identifier: MIT

public import Control
import MailModel

/// A mailbox and its user.
public struct Account: Hashable, Sendable {
    /// The user, whose login is the address.
    public let user: UserLine
    /// What the mailbox may hold, as `quota=` of a line has it; nil for the quota of all.
    public let quota: [UInt8]?

    /// An account.
    public init(user: UserLine, quota: [UInt8]?) {
        self.user = user
        self.quota = quota
    }
}

/// Changes `control/mailboxes`, the users file and the lists of domains together. All new files are
/// whole and safe on disk before the first gets its name.
///
/// A process that is killed between two names leaves users without mailboxes, or mailboxes of a domain
/// that mail is not accepted for yet; with `updates` the same again mends it.
public struct AccountsEditor {
    /// What becomes of those who are there, and of domains that are not.
    public struct Terms: Sendable {
        /// Mailboxes that are there get the new password and quota; else they are a mistake.
        public var updates = false
        /// Domains that mail is not accepted for become ours; else they are a mistake.
        public var addsDomains = false

        /// Both are mistakes.
        public init() {}
    }

    private let users: UsersEditor
    private let mailboxes: MailboxesEditor
    private let domains: DomainsEditor

    /// An editor of an installation.
    public init(_ root: Root, _ users: UsersEditor) {
        self.users = users
        mailboxes = MailboxesEditor(path: root.control.file("mailboxes"))
        domains = DomainsEditor(control: root.control)
    }

    /// Adds mailboxes by address in small letters, all or none.
    /// - Returns: the domains that became ours.
    /// - Throws: `UsersError`: then nothing has changed, but for a disk that fails while the new files
    ///   get their names.
    public func add(
        _ accounts: [[UInt8]: Account], _ terms: Terms
    ) throws(UsersError) -> Set<[UInt8]> {
        let locks = try lock()
        defer { withExtendedLifetime(locks) {} }
        let foreign = try domains.foreign(of: Set(accounts.values.map(\.user.domain)))
        if !terms.addsDomains, !foreign.isEmpty {
            let strangers = accounts.filter { foreign.contains($0.value.user.domain) }.keys
            throw .foreignDomain(
                address: strangers.min { $0.lexicographicallyPrecedes($1) } ?? [])
        }
        let newUsers = try users.prepared(
            accounts.mapValues { terms.updates ? .put($0.user) : .add($0.user) })
        let newMailboxes = try mailboxes.prepared(
            accounts.mapValues { terms.updates ? .put(quota: $0.quota) : .add(quota: $0.quota) })
        let newDomains = try domains.prepared(adding: foreign)
        try newUsers.replacement.commit()
        try newMailboxes.replacement.commit()
        try newDomains?.commit()
        return foreign
    }

    /// Removes mailboxes, and the users of the same name where there are any, all or none. Mail that
    /// they have stays.
    /// - Throws: `UsersError`, also when there is no such mailbox.
    public func remove(_ addresses: Set<[UInt8]>) throws(UsersError) {
        let locks = try lock()
        defer { withExtendedLifetime(locks) {} }
        let newMailboxes = try mailboxes.prepared(changes(addresses, .remove))
        let newUsers = try users.file.exists ? users.prepared(changes(addresses, .drop)) : nil
        try newUsers?.replacement.commit()
        try newMailboxes.replacement.commit()
    }

    /// Makes domains ours.
    /// - Returns: those that were not.
    public func add(domains new: Set<[UInt8]>) throws(UsersError) -> Set<[UInt8]> {
        let locks = try lock()
        defer { withExtendedLifetime(locks) {} }
        let foreign = try domains.foreign(of: new)
        try domains.prepared(adding: foreign)?.commit()
        return foreign
    }

    /// Accepts nothing more for domains, and removes their mailboxes and users. Mail stays.
    /// - Returns: how many mailboxes and users are gone.
    /// - Throws: `UsersError`, also when nothing is known of one of them.
    public func remove(
        domains old: Set<[UInt8]>
    ) throws(UsersError) -> (mailboxes: Int, users: Int) {
        let locks = try lock()
        defer { withExtendedLifetime(locks) {} }
        let known = try controlled { () throws(ControlError) in
            try domains.control.mailboxDomains()
        }
        let foreign = try domains.foreign(of: old)
        if let unknown = foreign.subtracting(known).first { throw .noDomain(unknown) }
        let newDomains = try domains.prepared(removing: old)
        let newMailboxes = known.isEmpty ? nil : try mailboxes.prepared([:], without: old)
        let newUsers = try users.file.exists ? users.prepared([:], without: old) : nil
        for domain in newDomains { try domain.commit() }
        try newUsers?.replacement.commit()
        try newMailboxes?.replacement.commit()
        return (newMailboxes?.removed ?? 0, newUsers?.removed ?? 0)
    }

    private func lock() throws(UsersError) -> [FolderLock] {
        try FolderLock.all(of: [users.file.path, mailboxes.path], users.patience)
    }

    private func changes<Change>(
        _ addresses: Set<[UInt8]>, _ change: Change
    ) -> [[UInt8]: Change] {
        Dictionary(uniqueKeysWithValues: addresses.map { ($0, change) })
    }
}
