// UserCommand: the users of the users file.
// chainmail(1), users(5).
// SPDX-License-Identifier: MIT

import Accounts
import ArgumentParser
import Control
import Glibc
import MailModel
import Passwords
import UnixIO

/// `chainmail user`.
struct UserCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "user", abstract: "Add, change, remove and list those who may log in.",
        subcommands: [Add.self, Passwd.self, Remove.self, List.self, Compile.self])

    /// `chainmail user add LOGIN`, `chainmail user add --from FILE`.
    struct Add: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Add a user, or many from a list.")

        @OptionGroup var users: UsersOption
        @OptionGroup var passwords: PasswordOptions

        func run() throws {
            try reporting {
                let stored = try passwords.stored()
                var changes: [[UInt8]: UserChange] = [:]
                for user in stored { changes[user.login] = .add(user) }
                try users.editor.apply(changes)
            }
        }
    }

    /// `chainmail user passwd LOGIN`, `chainmail user passwd --from FILE`.
    struct Passwd: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Give a user, or many from a list, another password.")

        @OptionGroup var users: UsersOption
        @OptionGroup var passwords: PasswordOptions

        func run() throws {
            try reporting {
                let stored = try passwords.stored()
                var changes: [[UInt8]: UserChange] = [:]
                for user in stored {
                    changes[user.login] = .setPassword(
                        field: user.passwordField, verifier: user.verifier)
                }
                try users.editor.apply(changes)
            }
        }
    }

    /// `chainmail user remove LOGIN ...`.
    struct Remove: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Remove users.")

        @OptionGroup var users: UsersOption
        @Argument(help: "The logins.")
        var login: [String]

        func run() throws {
            try reporting {
                var changes: [[UInt8]: UserChange] = [:]
                for login in login { changes[Array(login.utf8).asciiLowercased] = .remove }
                try users.editor.apply(changes)
            }
        }
    }

    /// `chainmail user list`.
    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List users, how their passwords are stored, and whether SCRAM can be used.")

        @OptionGroup var users: UsersOption

        func run() throws {
            try reporting {
                var text = ""
                try users.users.forEach { user in
                    let scram = user.verifier == nil ? "" : " scram"
                    text += "\(user.login.printable) \(user.scheme)\(scram)\n"
                }
                try say(text)
            }
        }
    }

    /// `chainmail user compile`.
    struct Compile: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Make the database anew, after the file was changed by hand.")

        @OptionGroup var users: UsersOption

        func run() throws {
            try reporting {
                let count = try users.editor.compile()
                try say("\(users.users.path).cdb: \(count) users\n")
            }
        }
    }
}

/// Which users file.
struct UsersOption: ParsableArguments {
    @OptionGroup var root: RootOption
    @Option(help: "The users file, instead of users in the configuration folder.")
    var file: String?

    /// The file.
    var users: UsersFile { file.map(UsersFile.init) ?? UsersFile(root.folders) }

    /// What changes it. A file that is new is for the group of auth-check, where we may give it away.
    var editor: UsersEditor {
        let group = geteuid() == 0 ? getgrnam("chainauth")?.pointee.gr_gid : nil
        return UsersEditor(users, group: group)
    }
}
