// dovecot SOCKET: whatever Dovecot knows.
// auth-sources(5).
// SPDX-License-Identifier: MIT

import Control
import MailModel
import Passwords
import UnixIO

/// Dovecot's auth socket. It never says that a user is unknown, so no source after it is asked for
/// passwords.
final class DovecotSource: PasswordSource {
    let label: String
    private let path: String
    private let timeout: Duration
    private let connection = PerProcess<Kept>()

    /// The connection of one process; nil while there is none.
    private final class Kept {
        var connection: DovecotConnection?
    }

    init(_ path: String, timeout: Duration) {
        label = "dovecot:\(path)"
        self.path = path
        self.timeout = timeout
    }

    var abilities: Abilities { .verify }

    var isLast: Bool { true }

    var decoy: StoredPassword? { nil }

    func verify(_ login: [UInt8], _ password: [UInt8], _ context: LoginContext) -> LoginAnswer {
        let deadline = min(context.deadline, .after(timeout))
        do throws(DovecotError) {
            switch try ask(login, password, context, deadline) {
            case .accepted(let user): return .accepted(user: user ?? login)
            case .refused: return .refused
            }
        } catch {
            return .unavailable("\(label): \(error.reason)")
        }
    }

    func scramVerifier(_ login: [UInt8], _ context: LoginContext) -> Lookup<SCRAMVerifier> {
        .unknown
    }

    func verify(_ login: [UInt8], _ answer: CRAMAnswer, _ context: LoginContext) -> LoginAnswer {
        .unknown
    }

    /// By the connection that is there, else, and when Dovecot has closed that meanwhile, by a new one.
    private func ask(
        _ login: [UInt8], _ password: [UInt8], _ context: LoginContext, _ deadline: Deadline
    ) throws(DovecotError) -> DovecotAnswer {
        let kept = connection.get { Kept() }
        if let old = kept.connection {
            // What is still to come after a failure belongs to nobody.
            kept.connection = nil
            do throws(DovecotError) {
                let answer = try old.verify(login, password, context, until: deadline)
                kept.connection = old
                return answer
            } catch {
                guard error.isLost else { throw error }
            }
        }
        let new = try DovecotConnection(path, until: deadline)
        let answer = try new.verify(login, password, context, until: deadline)
        kept.connection = new
        return answer
    }
}

extension CredentialKind {
    /// `dovecot [timeout=T] SOCKET`.
    static let dovecot = CredentialKind("dovecot", form: "dovecot SOCKET", options: ["timeout"]) {
        line, _ throws(ControlError) in
        let timeout = try line.timeout()
        return DovecotSource(try line.path("SOCKET", defaultPath: nil), timeout: timeout)
    }
}
