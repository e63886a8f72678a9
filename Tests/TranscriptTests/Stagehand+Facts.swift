// Stagehand+Facts: how each convention is told what is known of the client.
// filter-protocol(7).
// SPDX-License-Identifier: MIT

import MailModel
import TestSupport

extension Stagehand {
    private static let variables: [FactName: String] = [
        .clientIP: "TCPREMOTEIP", .clientPort: "TCPREMOTEPORT", .clientName: "TCPREMOTEHOST",
        .clientInfo: "TCPREMOTEINFO", .localIP: "TCPLOCALIP", .localPort: "TCPLOCALPORT",
        .localName: "TCPLOCALHOST", .helo: "SMTPHELOHOST", .authUser: "SMTPAUTHUSER",
        .tlsVersion: "SSL_PROTOCOL", .tlsCipher: "SSL_CIPHER", .relay: "RELAYCLIENT",
    ]

    private static let options: Set<FactName> = [
        .clientIP, .clientName, .helo, .authUser, .localIP,
    ]

    /// Facts as options.
    func optionFacts(_ step: Step) throws -> [String] {
        try step.facts.flatMap { name, value in
            guard Self.options.contains(name) else {
                throw TestFailure("no option says \(name.rawValue); use environment")
            }
            return ["--\(name.rawValue)", value]
        }
    }

    /// Facts as variables.
    func variableFacts(_ step: Step) -> [String: String] {
        step.facts.reduce(into: [:]) { result, fact in
            let own = fact.name.rawValue.uppercased().replacing("-", with: "_")
            result[Self.variables[fact.name] ?? "FILTER_FACT_\(own)"] = fact.value
        }
    }

    /// Facts for a request.
    func facts(_ step: Step) -> Facts {
        var facts = Facts()
        for (name, value) in step.facts { facts[name] = Array(value.utf8) }
        return facts
    }
}
