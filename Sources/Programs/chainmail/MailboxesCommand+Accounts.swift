// MailboxesCommand+Accounts: mailboxes and their users, together.
// chainmail(1), recipient-sources(5), users(5).
// SPDX-License-Identifier: MIT

import Accounts
import ArgumentParser
import Control
import MailModel
import Recipients

extension MailboxesCommand {
    /// `chainmail mailboxes add ADDRESS`, `chainmail mailboxes add --from FILE`.
    struct Add: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Add a mailbox and its user, or many from a list.")

        @OptionGroup var users: UsersOption
        @OptionGroup var passwords: PasswordOptions
        @Option(help: "What a mailbox may hold, such as 2GB, unless its line of the list says it.")
        var quota: String?
        @Flag(help: "Accept mail for domains of these mailboxes that are not ours yet.")
        var addDomains = false
        @Flag(help: "Give mailboxes that are there already the new password and quota.")
        var update = false

        func run() throws {
            try reporting {
                let quota = try quota.map { try PasswordList.checked($0.utf8, "--quota") }
                let entries = try passwords.entries(haveQuotas: true)
                var accounts: [[UInt8]: Account] = [:]
                for entry in entries {
                    try check(entry)
                    accounts[entry.user.login] = Account(
                        user: entry.user, quota: entry.quota ?? quota)
                }
                let count = accounts.count
                let new = try add(accounts, entries)
                if passwords.from != nil { try say("\(count) mailboxes\n") }
                try say(new.isEmpty ? "" : DomainCommand.reloading(new.count))
            }
        }

        /// - Throws: `Failure.data` for a login that names no mailbox.
        private func check(_ entry: StoredEntry) throws {
            do throws(MailboxLine.Failure) { _ = try MailboxLine(entry.user.login) } catch {
                throw Failure.data("\(entry.place ?? "address"): \(error.reason)")
            }
        }

        private func add(
            _ accounts: [[UInt8]: Account], _ entries: [StoredEntry]
        ) throws -> Set<[UInt8]> {
            var terms = AccountsEditor.Terms()
            terms.updates = update
            terms.addsDomains = addDomains
            do throws(UsersError) { return try users.accounts.add(accounts, terms) } catch {
                guard let address = error.address,
                    let place = entries.first(where: { $0.user.login == address })?.place
                else { throw error }
                throw Failure.line(place, error)
            }
        }
    }

    /// `chainmail mailboxes remove ADDRESS ...`.
    struct Remove: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Remove mailboxes and their users; mail that is there stays.")

        @OptionGroup var users: UsersOption
        @Argument(help: "The addresses.")
        var address: [String]

        func run() throws {
            try reporting {
                try users.accounts.remove(Set(address.map { Array($0.utf8).asciiLowercased }))
            }
        }
    }
}

extension UsersOption {
    /// What changes mailboxes and users together.
    var accounts: AccountsEditor { AccountsEditor(root.folders, editor) }
}

extension UsersError {
    /// Whose line of a list is at fault.
    fileprivate var address: [UInt8]? {
        switch self {
        case .exists(let login, _, _): login
        case .foreignDomain(let address): address
        default: nil
        }
    }
}
