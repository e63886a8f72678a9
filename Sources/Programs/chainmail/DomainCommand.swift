// DomainCommand: the domains that mail is accepted for and that mailboxes are in.
// chainmail(1).
// SPDX-License-Identifier: MIT

import Accounts
import ArgumentParser
import Control
import MailModel
import Recipients

/// `chainmail domain`.
struct DomainCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "domain", abstract: "Add, remove and list domains.",
        subcommands: [Add.self, Remove.self, List.self])

    /// `chainmail domain add DOMAIN ...`.
    struct Add: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Accept mail for domains.")

        @OptionGroup var users: UsersOption
        @Argument(help: "The domains.")
        var domain: [String]

        func run() throws {
            try reporting {
                let new = try users.accounts.add(domains: DomainCommand.names(domain))
                try say(new.isEmpty ? "" : DomainCommand.reloading(new.count))
            }
        }
    }

    /// `chainmail domain remove DOMAIN ...`.
    struct Remove: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Remove domains with their mailboxes and users; mail that is there stays.")

        @OptionGroup var users: UsersOption
        @Argument(help: "The domains.")
        var domain: [String]

        func run() throws {
            try reporting {
                let domains = try DomainCommand.names(domain)
                let gone = try users.accounts.remove(domains: domains)
                try say("\(gone.mailboxes) mailboxes and \(gone.users) users are gone\n")
                try say(DomainCommand.reloading(domains.count))
            }
        }
    }

    /// `chainmail domain list`.
    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List the domains of mailboxes: how many there are, and what is not accepted."
        )

        @OptionGroup var root: RootOption

        func run() throws {
            try reporting {
                let control = root.folders.control
                let accepted = try AcceptedDomains(control)
                let counts = try control.mailboxCounts()
                    .sorted { $0.key.lexicographicallyPrecedes($1.key) }
                var text = ""
                for (domain, count) in counts {
                    let note = try accepted.contains(domain) ? "" : " not accepted"
                    text += "\(domain.printable) \(count)\(note)\n"
                }
                try say(text)
            }
        }
    }

    /// What has to be done until a change of domains counts.
    static func reloading(_ count: Int) -> String {
        "\(count) domains have changed: that counts when mail-server is reloaded\n"
    }

    /// Domains in small letters.
    /// - Throws: `Failure.data` for what is none.
    private static func names(_ words: [String]) throws -> Set<[UInt8]> {
        var names: Set<[UInt8]> = []
        for word in words {
            let domain = Array(word.utf8).asciiLowercased
            guard !domain.contains(where: \.isBlank), !domain.contains(0x40),
                (try? MailboxLine(Array("x@".utf8) + domain)) != nil
            else { throw Failure.data("no domain: \(domain.printable)") }
            names.insert(domain)
        }
        return names
    }
}
