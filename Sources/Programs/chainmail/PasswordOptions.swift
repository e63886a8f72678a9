// PasswordOptions: where new passwords come from, and how they are stored.
// chainmail(1), user add.
// SPDX-License-Identifier: MIT

import Accounts
import ArgumentParser
import Control
import Glibc
import MailModel
import Passwords
import UnixIO

/// What `user add` and `user passwd` are told.
struct PasswordOptions: ParsableArguments {
    /// The most bytes of a list.
    static let longestList = 256 << 20

    @Flag(help: "Read the password from standard input, up to the end of the first line.")
    var passwordStdin = false
    @Option(help: "Read many from a file, LOGIN PASSWORD in a line; - for standard input.")
    var from: String?
    @Flag(help: "What is given is a hash already, such as {CRYPT}$2y$..., and is kept as it is.")
    var hashed = false
    @Option(help: "How passwords are hashed: yescrypt, bcrypt, sha512.")
    var hash = "yescrypt"
    @Option(help: "The cost of a hash; the library's own by default.")
    var cost: Int?
    @Option(help: "Iterations for SCRAM-SHA-256.")
    var scramIterations = SCRAMVerifier.defaultIterations
    @Flag(help: "Store nothing for SCRAM-SHA-256.")
    var noScram = false
    @Argument(help: "The login.")
    var login: String?

    func validate() throws {
        guard (login == nil) != (from == nil) else {
            throw ValidationError("give a login, or a list with --from")
        }
        guard from == nil || !passwordStdin else {
            throw ValidationError("--from and --password-stdin do not go together")
        }
        guard let method = HashMethod.all.first(where: { $0.name == hash }) else {
            let names = HashMethod.all.map(\.name).joined(separator: ", ")
            throw ValidationError("--hash is one of \(names)")
        }
        guard cost.map(method.costs.contains) ?? true else {
            throw ValidationError(
                "--cost of \(hash) is \(method.costs.lowerBound) to \(method.costs.upperBound)")
        }
        guard (4096...SCRAMVerifier.maximumIterations).contains(scramIterations) else {
            throw ValidationError(
                "--scram-iterations is 4096 to \(SCRAMVerifier.maximumIterations)")
        }
    }

    /// The lines of the users that were named, with their passwords.
    func stored() throws -> [UserLine] { try entries(haveQuotas: false).map(\.user) }

    /// The users that were named, with their passwords, the quotas that a list has, and their places
    /// in it.
    func entries(haveQuotas: Bool) throws -> [StoredEntry] {
        if let from { return try list(from, haveQuotas) }
        let login = try line("login") { () throws(UserLine.Failure) in
            try UserLine.login(Array((self.login ?? "").utf8))
        }
        let user = try user(login, password: try password(), "password")
        return [StoredEntry(user: user, quota: nil, place: nil)]
    }

    private var settings: NewPassword {
        NewPassword(
            HashMethod.all.first { $0.name == hash } ?? .yescrypt, cost: cost,
            iterations: noScram ? nil : scramIterations)
    }

    private func password() throws -> [UInt8] {
        if passwordStdin {
            let text = try Descriptor(rawValue: 0).readToEnd("standard input", limit: 65_536)
            let line = text.prefix { $0 != 0x0A }
            return Array(line.last == 0x0D ? line.dropLast() : line)
        }
        guard isatty(0) == 1 else {
            throw Failure.usage("standard input is no terminal: give --password-stdin")
        }
        let first = try ask("Password: ")
        guard try hashed || ask("Again: ") == first else {
            throw Failure.data("the passwords differ")
        }
        return first
    }

    private func ask(_ prompt: String) throws -> [UInt8] {
        try Descriptor(rawValue: 2).writeAll(Array(prompt.utf8), "terminal")
        do throws(PasswordError) { return try HiddenLine.read(0) } catch {
            throw Failure.data("\(error)")
        }
    }

    /// A list is hashed by as many threads as there are processors.
    private func list(_ file: String, _ haveQuotas: Bool) throws -> [StoredEntry] {
        let input = file == "-" ? "/dev/stdin" : file
        let bytes = try Files.contents(of: input, limit: PasswordOptions.longestList)
        let lines = try PasswordList(bytes, file, haveQuotas: haveQuotas).lines
        let results = Parallel.map(lines) { entry in
            let place = "\(file):\(entry.number)"
            return Result {
                StoredEntry(
                    user: try user(entry.login, password: entry.password, place),
                    quota: entry.quota, place: place)
            }
        }
        return try results.map { try $0.get() }
    }

    private func user(
        _ login: [UInt8], password: [UInt8], _ place: String
    ) throws -> UserLine {
        let field: [UInt8]
        var verifier: SCRAMVerifier?
        do throws(PasswordError) {
            if hashed {
                field = try PasswordOptions.hash(password)
            } else {
                let stored = try settings.stored(password)
                field = Array("{CRYPT}".utf8) + stored.hash
                verifier = stored.verifier
            }
        } catch {
            throw Failure.data("\(place): \(error)")
        }
        return try line(place) { [verifier] () throws(UserLine.Failure) in
            try UserLine(login: login, field: field, verifier: verifier)
        }
    }

    /// What is stored already, if that is something that can be checked.
    private static func hash(_ text: [UInt8]) throws(PasswordError) -> [UInt8] {
        guard try StoredPassword(text) != .locked, !text.contains(0x3A) else {
            throw .failed("no hash, or one with a colon")
        }
        return text
    }

    private func line<Value>(
        _ place: String, _ body: () throws(UserLine.Failure) -> Value
    ) throws -> Value {
        do throws(UserLine.Failure) { return try body() } catch {
            throw Failure.data("\(place): \(error)")
        }
    }
}

/// A user who was named.
struct StoredEntry {
    let user: UserLine
    let quota: [UInt8]?
    /// File and line of a list.
    let place: String?
}
