// STSFetcher: has sts-fetch get a policy, so that no process that holds mail speaks HTTP.
// sts-fetch(8); RFC 8461, section 3.3.
// SPDX-License-Identifier: MIT

import Control
import Glibc
import MailModel
import UnixIO

/// Why there is no policy.
enum STSFetchError: Error, Equatable, CustomStringConvertible {
    /// The host did not answer as it must.
    case failed(String)
    /// The host is not who it should be.
    case notTrusted
    /// It answered with what is no policy.
    case invalid(String)

    var description: String {
        switch self {
        case .failed(let text), .invalid(let text): text
        case .notTrusted: "the certificate of the host is not in order"
        }
    }

    /// What a report calls it. RFC 8460, section 4.3.2.2.
    var failure: TLSFailure {
        switch self {
        case .failed: .stsPolicyFetchError
        case .notTrusted: .stsWebPKIInvalid
        case .invalid: .stsPolicyInvalid
        }
    }
}

/// Starts a process for each policy.
struct STSFetcher {
    /// For one policy; RFC 8461, section 3.3, thinks of a minute.
    static let timeLimit = Duration.seconds(60)

    /// The path of the program; nil when it is not there.
    let program: String?
    /// What it is told besides the domain.
    let arguments: [String]

    /// The text of the policy of a domain.
    func policy(of domain: String, deadline: Deadline) throws(STSFetchError) -> [UInt8] {
        guard let program else { throw .failed("the program sts-fetch is not there") }
        let deadline = min(deadline, .after(STSFetcher.timeLimit))
        do {
            let output = try Files.inMemory("policy")
            let nothing = try Files.open("/dev/null", O_RDONLY)
            var command = Command(program, arguments + [domain])
            command.descriptors = [0: nothing.number, 1: output.number]
            command.deathSignal = SIGKILL
            let ended = try Child(command).waitOrKill(deadline)
            withExtendedLifetime(nothing) {}
            try check(ended)
            let text = try output.borrowed.bytes(
                at: 0, count: STSStore.maximumSize + 1, "policy")
            guard text.count <= STSStore.maximumSize else {
                throw STSFetchError.invalid("too long")
            }
            return text
        } catch let error as STSFetchError {
            throw error
        } catch {
            throw .failed("\(error)")
        }
    }

    /// The codes are those of sts-fetch(8).
    private func check(_ ended: Termination?) throws(STSFetchError) {
        switch ended {
        case .exited(0): return
        case .exited(76): throw .failed("the host did not answer with a policy")
        case .exited(77): throw .notTrusted
        case nil: throw .failed("time limit")
        case .some(let ended): throw .failed("sts-fetch: \(ended)")
        }
    }
}
