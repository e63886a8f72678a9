// InstructionRuns: the recipients of one request that one process delivers to.
// deliver-local(8).
// SPDX-License-Identifier: MIT

import MailModel
import Recipients
import UnixIO

/// Recipients and what is to be done for them, one after the other; those whose mailboxes the same
/// server of LMTP keeps in one session.
struct InstructionRuns {
    let request: DeliveryRequest
    /// The places of the recipients in the request.
    let places: [Int]
    /// Where their mail goes, in the same order.
    let destinations: [LocalDestination]
    let file: Descriptor
    let terms: LocalTerms

    /// Delivers to all of them.
    /// - Returns: the outcomes in their order.
    func run(_ names: inout MaildirName) -> [InstructionOutcome] {
        let deadline = OwnedDelivery.deadline
        var outcomes: [Int: InstructionOutcome] = [:]
        for (endpoint, members) in sessions() {
            var delivery = LMTPDelivery(
                request.withRecipients(members.map { places[$0] }), to: endpoint, terms.settings)
            for (member, result) in zip(members, delivery.run(file)) {
                outcomes[member] = InstructionOutcome(
                    reply: result.reply, host: result.host,
                    evidence: [("server", endpoint.description)])
            }
        }
        return destinations.indices.map { member in
            if let outcome = outcomes[member] { return outcome }
            var run = InstructionRun(
                request, places[member], to: destinations[member], file, terms, deadline)
            return run.run(&names)
        }
    }

    /// Who goes to which server.
    private func sessions() -> [LMTPEndpoint: [Int]] {
        var sessions: [LMTPEndpoint: [Int]] = [:]
        for (member, destination) in destinations.enumerated() {
            guard case .given(let list) = destination.instructions, list.count == 1,
                case .lmtp(let place)? = list.first, let endpoint = LMTPEndpoint(place)
            else { continue }
            sessions[endpoint, default: []].append(member)
        }
        return sessions
    }
}
