// chainmail: the administrator's command.
// chainmail(1).
// SPDX-License-Identifier: MIT

import Accounts
import ArgumentParser
import Control
import Glibc
import MailModel
import MailQueue
import Quarantine
import UnixIO

@main
struct Chainmail: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "chainmail",
        abstract: "Shows what the mail server does, and keeps lists of mailboxes and users.",
        version: "chainmail \(chainmailVersion)",
        subcommands: [
            Status.self, QueueCommand.self, TraceCommand.self, QuarantineCommand.self,
            MailboxesCommand.self, DomainCommand.self,
            AssignCommand.self,
            AliasCommand.self,
            UserCommand.self,
        ])
}

/// `--root`, for every subcommand.
struct RootOption: ParsableArguments {
    @Option(help: "Work below this folder instead of the system's folders.")
    var root: String?

    /// The root that was asked for.
    var folders: Root { Root(root ?? Environment.text("CHAINMAIL_ROOT")) }
}

/// Why the administrator gets no answer, with the exit code of sysexits(3).
enum Failure: Error {
    case control(ControlError)
    case noSuchMessage(String)
    case queue(QueueError)
    case system(SystemError)
    case quarantine(QuarantineError)
    /// The queue does not take it, with its words.
    case refused(String)
    case users(UsersError)
    /// The same, because of a line of a list.
    case line(String, UsersError)
    /// What was given cannot be right.
    case data(String)
    case usage(String)
    /// Nothing is known of it.
    case unknown(String)

    var exit: (code: Int32, text: String) {
        switch self {
        case .control(.invalid(let file, let line, let reason)):
            (65, ControlError.invalid(file: file, line: line, reason: reason).description)
        case .control(.unreadable(let error)) where error.errno == .noSuchFileOrDirectory:
            (66, error.description)
        case .control(.unreadable(let error)): Failure.system(error).exit
        case .noSuchMessage(let id): (66, "no message \(id) in the queue")
        case .queue(.damaged(let file, let how)): (65, "\(file): \(how)")
        case .queue(.system(let error)) where error.errno == .permissionDenied:
            (77, error.description)
        case .queue(let error): (71, error.description)
        case .system(let error) where error.errno == .permissionDenied: (77, error.description)
        case .system(let error): (error.call == "write" ? 74 : 71, error.description)
        case .quarantine(.system(let error)): Failure.system(error).exit
        case .quarantine(.missing(let id)): (66, QuarantineError.missing(id).description)
        case .quarantine(.damaged(let file, let how)): (65, "\(file): \(how)")
        case .quarantine(.busy(let id)): (75, QuarantineError.busy(id).description)
        case .refused(let text): (75, text)
        case .data(let text): (65, text)
        case .usage(let text): (64, text)
        case .unknown(let text): (66, text)
        case .users(.control(let error)): Failure.control(error).exit
        case .users(.busy(let file)): (75, UsersError.busy(file).description)
        case .users(.missing(let login, let file)):
            (67, UsersError.missing(login: login, file: file).description)
        case .users(.noMailbox(let address, let file)):
            (67, UsersError.noMailbox(address: address, file: file).description)
        case .users(.noDomain(let domain)): (67, UsersError.noDomain(domain).description)
        case .users(.foreignDomain(let address)):
            (65, UsersError.foreignDomain(address: address).description)
        case .line(let place, let error):
            (Failure.users(error).exit.code, "\(place): \(error)")
        case .users(let error): (73, error.description)
        }
    }
}

extension ParsableCommand {
    /// Runs, and ends the process with one line on descriptor 2 when that fails.
    func reporting(_ body: () throws -> Void) throws {
        do {
            try body()
        } catch {
            throw report(error)
        }
    }

    /// Does it with each, also when it fails with some.
    /// - Throws: the exit code of the last failure. Each was reported.
    func each(_ words: [String], _ body: (String) throws -> Void) throws {
        var failed: ExitCode?
        for word in words {
            do {
                try body(word)
            } catch {
                failed = report(error)
            }
        }
        if let failed { throw failed }
    }

    private func report(_ error: any Error) -> ExitCode {
        // Reported already.
        if let code = error as? ExitCode { return code }
        let failure =
            switch error {
            case let failure as Failure: failure.exit
            case let error as ControlError: Failure.control(error).exit
            case let error as QueueError: Failure.queue(error).exit
            case let error as QuarantineError: Failure.quarantine(error).exit
            case let error as SystemError: Failure.system(error).exit
            case let error as UsersError: Failure.users(error).exit
            default: (Int32(70), "\(error)")
            }
        // There is nowhere to say that this cannot be written.
        try? Descriptor(rawValue: 2)
            .writeAll(Array("chainmail: \(failure.1)\n".utf8), "standard error")
        return ExitCode(failure.0)
    }

    /// Writes lines to standard output, nothing in which a terminal obeys: U+0080 to U+009F are
    /// control characters too, and come from outside as UTF-8.
    func say(_ text: String) throws(SystemError) {
        var plain = String.UnicodeScalarView()
        plain.append(
            contentsOf: text.unicodeScalars.map { scalar in
                scalar.properties.generalCategory == .control && scalar != "\n" ? "?" : scalar
            })
        try Descriptor(rawValue: 1).writeAll(Array(String(plain).utf8), "standard output")
    }
}
