// checkpassword PROGRAM [ARG...]: a program that checks a password.
// auth-sources(5); https://cr.yp.to/checkpwd/interface.html
// SPDX-License-Identifier: MIT

import Control
import MailModel
import Passwords
import UnixIO

/// A checkpassword program, such as vchkpw or checkvpw. It runs another program when the password is
/// right: here one that does nothing, and ends with 0.
///
/// It says no more of a user who does not exist than of a wrong password, so no source after it is
/// asked for passwords.
final class CheckpasswordSource: PasswordSource {
    let label: String
    private let run: CheckpasswordRun
    private let timeout: Duration
    private let knowsCRAM: Bool

    init(_ run: CheckpasswordRun, timeout: Duration, knowsCRAM: Bool) {
        label = "checkpassword:\(run.program)"
        self.run = run
        self.timeout = timeout
        self.knowsCRAM = knowsCRAM
    }

    var abilities: Abilities { knowsCRAM ? [.verify, .cramMD5] : .verify }

    var isLast: Bool { true }

    var decoy: StoredPassword? { nil }

    func verify(_ login: [UInt8], _ password: [UInt8], _ context: LoginContext) -> LoginAnswer {
        answer([login, password, []], login, context)
    }

    func scramVerifier(_ login: [UInt8], _ context: LoginContext) -> Lookup<SCRAMVerifier> {
        .unknown
    }

    func verify(_ login: [UInt8], _ answer: CRAMAnswer, _ context: LoginContext) -> LoginAnswer {
        guard knowsCRAM, !answer.challenge.contains(0), !answer.digest.contains(0) else {
            return .unknown
        }
        return self.answer([login, answer.digest, answer.challenge], login, context)
    }

    private func answer(
        _ fields: [[UInt8]], _ login: [UInt8], _ context: LoginContext
    ) -> LoginAnswer {
        var failure = ""
        let isRight = run.isRight(
            fields, context, until: min(context.deadline, .after(timeout)), &failure)
        switch isRight {
        case true?: return .accepted(user: login.asciiLowercased)
        case false?: return .refused
        case nil: return .unavailable("\(label): \(failure)")
        }
    }

    /// True when the program accepts somebody whom nobody can know: it does not check, or it was
    /// given its words in the wrong order.
    fileprivate var acceptsAnybody: Bool {
        let login = Array("chainmail-probe-\(String(Random.bits, radix: 16))".utf8)
        let password = Array(String(Random.bits, radix: 16).utf8)
        guard case .accepted = verify(login, password, LoginContext()) else { return false }
        return true
    }
}

extension CredentialKind {
    /// `checkpassword [timeout=T] [cram=yes] [probe=no] PROGRAM [ARG...]`.
    static let checkpassword = CredentialKind(
        "checkpassword", form: "checkpassword PROGRAM [ARG...]",
        options: ["timeout", "cram", "probe"]
    ) { line, _ throws(ControlError) in
        let words = try line.words()
        guard let program = words.first else { throw line.invalid("PROGRAM is missing") }
        guard try line.absolute(program, "PROGRAM") == Programs.find(program) else {
            throw line.invalid("\(program) cannot be run")
        }
        guard let nothing = Programs.find("/usr/bin/true") ?? Programs.find("/bin/true") else {
            throw line.invalid("there is no /usr/bin/true to run for who may log in")
        }
        // Lines are often copied from qmail's run scripts, where the program to run is the last word.
        var arguments = words.dropFirst()
        if arguments.last.map({ $0 == "true" || $0.hasSuffix("/true") }) ?? false {
            arguments.removeLast()
        }
        let run = CheckpasswordRun(program: program, arguments: Array(arguments) + [nothing])
        let source = CheckpasswordSource(
            run, timeout: try line.timeout(), knowsCRAM: try line.flag("cram"))
        if try line.flag("probe", otherwise: true), source.acceptsAnybody {
            throw line.invalid("\(program) accepts any login: are its arguments right?")
        }
        return source
    }
}
