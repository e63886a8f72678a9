// HELO: the client says who it is.
// RFC 5321, section 4.1.1.1.
// SPDX-License-Identifier: MIT

import MailModel

/// What HELO or EHLO said, until it is judged.
struct HELOCandidate {
    let name: [UInt8]
    let isExtended: Bool
}

extension ServerSession {
    mutating func helo(_ argument: ArraySlice<UInt8>) -> SessionStep {
        hello(HELOCandidate(name: Array(argument), isExtended: false))
    }

    /// What HELO and EHLO have in common. Replies to them have no enhanced status: RFC 2034,
    /// section 3.
    mutating func hello(_ candidate: HELOCandidate) -> SessionStep {
        guard !candidate.name.isEmpty else { return failed(SMTPReply.needsArgument.withoutStatus) }
        guard ServerSession.isHELOName(candidate.name) else {
            return failed(SMTPReply.badName.withoutStatus)
        }
        if isDiscarded { return heloJudged(.discard, candidate) }
        if settings.allowsXFORWARD { return heloJudged(.accept, candidate) }
        pending = .helo(candidate)
        return .judge(
            FilterRequest(stage: .helo, facts: facts(for: candidate), edits: connectEdits))
    }

    mutating func heloJudged(_ verdict: Verdict, _ candidate: HELOCandidate) -> SessionStep {
        switch verdict {
        case .reject(let reply), .defer(let reply):
            // The state stays what it was. RFC 5321, section 4.1.4.
            return refused(reply, withStatus: false)
        case .accept(let edits): heloEdits = edits
        case .discard: isDiscarded = true
        }
        reset()
        hasGreeted = true
        isExtended = candidate.isExtended
        facts = facts(for: candidate)
        return .reply(
            candidate.isExtended
                ? ehloReply(candidate.name) : SMTPReply(250, nil, settings.name))
    }

    private func facts(for candidate: HELOCandidate) -> Facts {
        var facts = facts
        facts[.helo] = claimed?.helo ?? candidate.name
        facts[.protocolName] = protocolName(isExtended: candidate.isExtended)
        return facts
    }

    /// A domain or an address literal. More is let pass than the grammar has, since clients
    /// name themselves and cannot help it: underscores, a dot at the end, literals without their
    /// tag, and literals in HELO.
    static func isHELOName(_ name: [UInt8]) -> Bool {
        guard name.count <= 255 else { return false }
        if name.first == 0x5B {
            return name.last == 0x5D && name.count > 2
                && name.dropFirst().dropLast().allSatisfy {
                    (0x21...0x7E).contains($0) && !(0x5B...0x5D).contains($0)
                }
        }
        let labels = name.split(separator: 0x2E, omittingEmptySubsequences: false)
        let isAbsolute = labels.count > 1 && labels.last?.isEmpty == true
        return labels.dropLast(isAbsolute ? 1 : 0).allSatisfy { label in
            !label.isEmpty
                && label.allSatisfy {
                    $0.isASCIILetter || $0.isASCIIDigit || $0 == 0x2D || $0 == 0x5F
                }
        }
    }
}
