// Evaluation: one check, from its domain to its finding.
// RFC 7208, section 4.
// SPDX-License-Identifier: MIT

import CSPF2
import MailModel
import Resolver
import UnixIO

/// The state of one check. libspf2 calls back into it, so it is a class.
final class Evaluation {
    /// A policy that is being evaluated.
    struct Frame {
        let domain: [UInt8]
        let policy: Policy
        /// The last thing of it that libspf2 asked about.
        var last: Token.Part?
    }

    let question: SPFQuestion
    private let receiver: [UInt8]
    /// What is evaluated in place of the domain's own policy.
    let localPolicy: Policy?
    var lookups: CountedResolver
    var frames: [Frame] = []
    /// The exchanges of the `mx` terms that were looked up.
    var exchanges: [Token: Exchanges] = [:]
    /// The frame whose explanation counts: the first, or where redirect led from it.
    var deciding = 0
    var stop: Stop?
    private var names: ClientNames?
    private var result = SPFResult.temperror
    private var mechanism: String?
    private var explanation: String?

    init(
        _ question: SPFQuestion, receiver: [UInt8], lookups: CountedResolver,
        localPolicy: Policy? = nil
    ) {
        self.question = question
        self.localPolicy = localPolicy
        self.receiver = receiver
        self.lookups = lookups
    }

    /// Checks. The finding says how it ended.
    func run() {
        guard isCheckable else {
            stop = Stop(result: .none, reason: "not the name of a host")
            result = .none
            return
        }
        var isMatched: Int32 = 0
        let address = question.client.bytes
        let context = Unmanaged.passUnretained(self).toOpaque()
        let outcome = withUnsafePointer(to: Evaluation.callbacks) { callbacks in
            cspf2_evaluate(
                callbacks, context, Token.first.text, address, address.count, &isMatched)
        }
        switch outcome {
        case CSPF2_NEUTRAL: result = .neutral
        case CSPF2_PASS: result = .pass
        case CSPF2_FAIL: result = .fail
        case CSPF2_SOFTFAIL: result = .softfail
        default: result = .temperror
        }
        if let stop {
            result = stop.result
        } else if outcome == CSPF2_STOPPED {
            stop = .temporary("the policy cannot be evaluated")
        } else {
            mechanism = isMatched != 0 ? decidingMechanism : "default"
        }
        if result == .fail { explanation = explain() }
    }

    /// What was found.
    var finding: SPFFinding {
        SPFFinding(
            question: question, result: result, mechanism: mechanism, explanation: explanation,
            problem: stop?.reason, lookups: lookups.terms, voidLookups: lookups.voids,
            queries: lookups.queries, remembered: lookups.remembered)
    }

    /// Section 4.3: a name of the DNS with at least two labels, and no address literal.
    private var isCheckable: Bool {
        guard let name = DomainName(question.domain) else { return false }
        return name.labels.count > 1 && name.bytes.first != 0x5B
    }

    /// The names of the client, looked up once.
    func clientNames() -> ClientNames {
        if let names { return names }
        let found = ClientNames(of: question.client, &lookups)
        names = found
        return found
    }

    /// The name that a domain-spec stands for; the current domain where there is none.
    func target(_ specification: MacroString?, in frame: Frame) throws(Stop) -> [UInt8] {
        guard let specification else { return frame.domain }
        guard let text = expand(specification, frame.domain) else {
            throw .permanent("a macro expands to too much")
        }
        return MacroString.domain(text)
    }

    private func expand(_ text: MacroString, _ domain: [UInt8]) -> [UInt8]? {
        let values = MacroValues(
            sender: question.sender, client: question.client, helo: question.helo,
            receiver: receiver, time: WallClock.seconds, domain: domain)
        return text.expanded(values) { clientNames().best(for: domain) }
    }

    /// The domain's words. Section 6.2: where anything is wrong with them there are none, and
    /// their look-up is not counted.
    private func explain() -> String? {
        guard frames.indices.contains(deciding),
            let specification = frames[deciding].policy.explanation
        else { return nil }
        let frame = frames[deciding]
        guard let name = try? target(specification, in: frame),
            let texts = try? lookups.texts(name), texts.count == 1,
            let text = try? MacroString(texts[0], in: .explanation),
            let words = expand(text, frame.domain), words.count <= SenderPolicy.maximumExplanation
        else { return nil }
        return words.printable
    }

    /// The directive of the deciding frame that matched: the one that was asked about last, or
    /// the first that contains the client in the run of addresses that was begun last.
    private var decidingMechanism: String? {
        guard frames.indices.contains(deciding), let last = frames[deciding].last else {
            return nil
        }
        let directives = frames[deciding].policy.directives
        switch last {
        case .term(let index):
            return directives.indices.contains(index) ? directives[index].text.printable : nil
        case .run(let index):
            return directives.dropFirst(index).first { $0.mechanism.contains(question.client) }?
                .text.printable
        case .redirect, .first: return nil
        }
    }
}

extension Mechanism {
    /// True for a mechanism that matches an address without a look-up.
    func contains(_ client: IPAddress) -> Bool {
        switch self {
        case .all: true
        case .addresses(let block): block.contains(client)
        case .include, .a, .mx, .ptr, .exists: false
        }
    }
}
