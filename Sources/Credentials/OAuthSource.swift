// oauth COMMAND [ARGUMENT ...]: a program that checks tokens of OAuth.
// auth-sources(5); RFC 7628.
// SPDX-License-Identifier: MIT

import Control
import Glibc
import MailModel
import Passwords
import UnixIO

/// A source that knows no passwords.
protocol PasswordlessSource: PasswordSource {}

extension PasswordlessSource {
    var decoy: StoredPassword? { nil }

    func verify(_ login: [UInt8], _ password: [UInt8], _ context: LoginContext) -> LoginAnswer {
        .unknown
    }

    func scramVerifier(_ login: [UInt8], _ context: LoginContext) -> Lookup<SCRAMVerifier> {
        .unknown
    }

    func verify(_ login: [UInt8], _ answer: CRAMAnswer, _ context: LoginContext) -> LoginAnswer {
        .unknown
    }
}

/// Runs a program for each token. The token is on descriptor 3, up to the end of file, and never
/// among arguments or in the environment, where others could see it. Exit 0 and a line that names the
/// user on descriptor 1 accept; exit 1 refuses; everything else is not known.
final class OAuthSource: PasswordlessSource {
    let label: String
    let abilities: Abilities = .token
    private let path: String
    private let arguments: [String]
    private let timeout: Duration

    /// The most bytes that are looked at of what the program says.
    private static let longestOutput = 4096

    init(path: String, arguments: [String], timeout: Duration) {
        label = "oauth:\(path)"
        self.path = path
        self.arguments = arguments
        self.timeout = timeout
    }

    func verify(
        token: [UInt8], for login: [UInt8], _ context: LoginContext
    ) -> LoginAnswer {
        do throws(SystemError) {
            return try run(token, login, context)
        } catch {
            return .unavailable("\(label): \(error)")
        }
    }

    private func run(
        _ token: [UInt8], _ login: [UInt8], _ context: LoginContext
    ) throws(SystemError) -> LoginAnswer {
        let deadline = min(context.deadline, .after(timeout))
        // A file in memory, so that nobody waits for the program to read. What it writes goes into a
        // pipe, since that fills: one that writes without end waits until its time is over.
        let input = try Files.inMemory("token")
        try input.borrowed.writeAll(token, label)
        try input.borrowed.rewind(label)
        let output = try OwnedPipe()
        try output.writing.setNonBlocking(false, label)
        let nothing = try Files.open("/dev/null", O_RDONLY)
        let child = try Child(
            command(login, context, nothing.number, input.number, output.writing.rawValue))
        // The child has them now; before that they must not go.
        withExtendedLifetime(input) {}
        withExtendedLifetime(nothing) {}
        switch try child.waitOrKill(deadline, endingGroup: true) {
        case .exited(0)?:
            let user = try said(in: output).prefix { $0 != 0x0A }
            guard !user.isEmpty, user.count <= CredentialSources.longestLogin,
                user.allSatisfy({ $0 > 0x20 && $0 != 0x7F })
            else { return .unavailable("\(label): exit 0, and no user on descriptor 1") }
            return .accepted(user: Array(user))
        case .exited(1)?: return .refused
        case let end?: return .unavailable("\(label): \(end)")
        case nil: return .unavailable("\(label): no answer in time")
        }
    }

    /// What a program that has ended has written.
    private func said(in pipe: borrowing OwnedPipe) throws(SystemError) -> [UInt8] {
        var failure: SystemError?
        let bytes = [UInt8](unsafeUninitializedCapacity: Self.longestOutput) { buffer, count in
            do throws(SystemError) {
                count = try pipe.reading.readSome(
                    into: UnsafeMutableRawBufferPointer(buffer), label)
            } catch {
                failure = error
            }
        }
        // Nothing was written.
        if let failure, failure.errno != .wouldBlock { throw failure }
        return bytes
    }

    private func command(
        _ login: [UInt8], _ context: LoginContext, _ nothing: Int32, _ token: Int32, _ output: Int32
    ) -> Command {
        // As for a checkpassword program: nothing of ours goes along.
        var environment = ["PATH=/usr/local/bin:/usr/bin:/bin"]
        if let address = context.clientAddress { environment.append("TCPREMOTEIP=\(address)") }
        if let login = String(validating: login, as: UTF8.self), !login.isEmpty {
            environment.append("OAUTH_LOGIN=\(login)")
        }
        var command = Command(path, arguments, environment: environment)
        command.descriptors = [0: nothing, 1: output, 3: token]
        command.hasOwnGroup = true
        command.deathSignal = SIGKILL
        return command
    }
}

extension CredentialKind {
    /// `oauth [timeout=TIME] COMMAND [ARGUMENT ...]`.
    static let oauth = CredentialKind(
        "oauth", form: "oauth COMMAND [ARGUMENT ...]", options: ["timeout"]
    ) { line, _ throws(ControlError) in
        let timeout = try line.timeout()
        let words = try line.words()
        guard let first = words.first else { throw line.invalid("COMMAND is missing") }
        let path = try line.absolute(first, "COMMAND")
        guard Programs.find(path) != nil else { throw line.invalid("\(path): not executable") }
        return OAuthSource(path: path, arguments: Array(words.dropFirst()), timeout: timeout)
    }
}
