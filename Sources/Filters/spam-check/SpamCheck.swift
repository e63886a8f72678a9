// spam-check: asks spamd or rspamd what it thinks of a message.
// spam-check(8).
// SPDX-License-Identifier: MIT

import Control
import FilterKit
import MailModel
import Resolver
import SpamScoring
import UnixIO

@main struct SpamCheck: Filter {
    static let name = "spam-check"
    static let summary = "Asks SpamAssassin's spamd, or rspamd, what it thinks of a message."
    static let options = SpamOptions.declared

    private let options: SpamOptions
    private let servers: SpamServers
    private let sampler: Sampler

    static func main() { FilterMain.run(Self.self) }

    init(_ setup: Setup) throws {
        options = try SpamOptions(setup.options)
        let resolver = try options.usesNames ? SpamCheck.resolver(setup.options) : nil
        servers = SpamServers(options.places, limit: options.timeout, resolver: resolver)
        sampler = Sampler(
            limit: options.sizeLimit, trace: options.trace,
            host: options.trace == .never ? [] : try Root(setup.options).control.meOrHost())
    }

    private static func resolver(_ options: Options) throws -> Resolver {
        Resolver(servers: try Resolver.servers(options, Root(options).control))
    }

    mutating func judge(
        _ request: borrowing Request, _ evidence: inout Evidence
    ) throws(FilterError) -> Verdict {
        guard request.stage == .message else {
            throw .configuration("there is nothing to look at before stage message")
        }
        let length = request.message.baseLength
        let isLarge = length > options.sizeLimit
        if isLarge { evidence.log("size", length) }
        if isLarge, let verdict = try options.onOversize.verdict(request, options.marks) {
            evidence.log("result", "unknown")
            return verdict
        }
        guard let sample = try sampler.sample(request, isLarge: isLarge) else {
            evidence.log("result", "unknown")
            return Refusals.tooLarge
        }
        let opinion = try ask(sample, request, &evidence)
        withExtendedLifetime(sample) {}
        return try verdict(opinion, isPart: isLarge, request, &evidence)
    }

    private func ask(
        _ sample: borrowing OwnedSample, _ request: borrowing Request, _ evidence: inout Evidence
    ) throws(FilterError) -> SpamOpinion {
        do throws(SpamServersError) {
            let (opinion, place): (SpamOpinion, ServerPlace)
            switch options.kind {
            case .spamd:
                let question = SpamdQuestion(user: options.user.name(for: request.recipients))
                (opinion, place) = try servers.opinion(on: sample.sample) { _ in question }
            case .rspamd(let urls):
                let (facts, envelope) = (request.facts, request.envelope)
                (opinion, place) = try servers.opinion(on: sample.sample) { index in
                    RspamdQuestion(
                        path: urls[index].path, host: urls[index].host, facts, envelope)
                }
            }
            evidence.log("server", "\(place)")
            return opinion
        } catch {
            throw FilterError(error.isTimeout ? .timedOut : .networkTrouble, "\(error)")
        }
    }

    private func verdict(
        _ opinion: SpamOpinion, isPart: Bool, _ request: borrowing Request,
        _ evidence: inout Evidence
    ) throws(FilterError) -> Verdict {
        opinion.record(in: &evidence)
        if isPart { evidence["part"] = true }
        let action = options.thresholds.action(opinion)
        evidence.log("result", action.word(opinion))
        // What was not looked at to its end may still be bad enough.
        guard !opinion.isUnfinished || action >= .hold else {
            throw FilterError(.timedOut, "the server's own time was over before it had finished")
        }
        switch action {
        case .discard: return .discard
        case .reject: return Refusals.reject(opinion)
        case .defer: return Refusals.defer(opinion)
        case .pass, .tag, .hold:
            let edits = try options.marks.edits(opinion, action, isPart: isPart, request)
            return .accept(edits + (action == .hold ? [.hold] : []))
        }
    }
}

/// Every refusal that spam-check gives.
enum Refusals {
    static func reject(_ opinion: SpamOpinion) -> Verdict {
        .reject(
            Reply(
                554, EnhancedStatus(5, 7, 1), opinion.text ?? "the message is taken for spam"))
    }

    static func `defer`(_ opinion: SpamOpinion) -> Verdict {
        .defer(EnhancedStatus(4, 7, 1), opinion.text ?? "the message is not wanted now")
    }

    static let tooLarge = Verdict.defer(
        EnhancedStatus(4, 7, 1), "the message is too large to be checked for spam")
    static let tooLargeForGood = Verdict.reject(
        Reply(552, EnhancedStatus(5, 3, 4), "the message is too large to be checked for spam"))
}

extension SpamOpinion {
    func record(in evidence: inout Evidence) {
        evidence.log("score", Score.text(score))
        if required.isFinite { evidence.log("required", Score.text(required)) }
        if let action { evidence.log("action", action.rawValue) }
        if isSkipped { evidence.log("skipped", "by the server") }
        if isUnfinished { evidence.log("unfinished", "the server's time was over") }
        evidence["symbols"] = .list(symbols.map(JSON.text))
        let names = symbols.prefix(20).joined(separator: ",")
        evidence.log("tests", symbols.count > 20 ? "\(names),..." : names)
    }
}
