// TraceFields: what spf-check writes into the header, and what it takes out.
// RFC 7208, section 9; RFC 8601, section 5.
// SPDX-License-Identifier: MIT

import FilterKit
import MailModel
import SenderPolicy

/// The fields of `--header`.
enum TraceFields: String, CaseIterable {
    case receivedSPF = "received-spf"
    case authenticationResults = "authentication-results"
    case both
    case none

    /// True when fields with our id are trusted by whoever reads the mail after us.
    var hasResults: Bool { self == .authenticationResults || self == .both }

    /// The fields of one finding; the topmost comes last.
    func edits(_ finding: SPFFinding, _ receiver: [UInt8], isOfHelo: Bool) -> [Edit] {
        let results = hasResults ? finding.results(identifier: receiver, isOfHelo: isOfHelo) : nil
        let received =
            self == .receivedSPF || self == .both ? finding.field(receiver: receiver) : nil
        return [results, received].compactMap(\.self).map(Edit.prepend)
    }
}

extension Request {
    /// Edits that take out `Authentication-Results` that came with the message when any of them
    /// claims to be ours: who forged one may have forged the others. Those of earlier steps stay.
    /// Before stage `message`, and where too much header came to be read, smtp-server's own
    /// removal stands or all of them go.
    func removalOfForgedResults(_ identifier: [UInt8]) throws(FilterError) -> [Edit] {
        guard stage == .message, !message.isEmpty else { return [] }
        let name = Array(AuthenticationResults.name.utf8)
        let ours = wire.edits.compactMap { edit in
            if case .prepend(let field) = edit, field.name.equalsIgnoringASCIICase(name) {
                field
            } else {
                HeaderField?.none
            }
        }
        let header = try message.header(limit: MessageView.headerLimit)
        let claims = header.values(AuthenticationResults.name).filter {
            AuthenticationResults.claims($0, identifier: identifier)
        }
        let known = ours.filter {
            AuthenticationResults.claims(Array($0.body), identifier: identifier)
        }
        guard claims.count > known.count || !header.isWhole else { return [] }
        return [.remove(name: name)] + ours.map(Edit.prepend)
    }
}
