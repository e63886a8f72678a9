// The openspf.org test suite for RFC 7208, each scenario against a zone-server of its own.
// Tests/Conformance/rfc7208-tests.txt, whose head explains its lines.
// SPDX-License-Identifier: MIT

import Control
import Foundation
import MailModel
import Resolver
import TestSupport
import Testing

@testable import SenderPolicy

private struct Scenario: CustomTestStringConvertible, Sendable {
    var title = ""
    var zone = ""
    var tests: [[String]] = []

    var testDescription: String { title }

    static let all: [Scenario] = {
        let tests = URL(fileURLWithPath: #filePath)
            .deletingLastPathComponent().deletingLastPathComponent()
        let file = tests.appendingPathComponent("Conformance/rfc7208-tests.txt")
        var scenarios: [Scenario] = []
        for line in ((try? String(contentsOf: file, encoding: .utf8)) ?? "").split(separator: "\n")
        {
            if line.hasPrefix("= ") {
                scenarios.append(Scenario(title: String(line.dropFirst(2))))
            } else if line.hasPrefix("zone "), let last = scenarios.indices.last {
                scenarios[last].zone += "\(line.dropFirst(5))\n"
            } else if line.hasPrefix("test "), let last = scenarios.indices.last {
                let words = line.dropFirst(5).split(
                    separator: "\t", omittingEmptySubsequences: false)
                scenarios[last].tests.append(words.map(String.init))
            }
        }
        return scenarios
    }()
}

struct ConformanceTests {
    @Test func `all tests of the suite are there`() {
        #expect(Scenario.all.count == 16)
        #expect(Scenario.all.map(\.tests.count).reduce(0, +) == 203)
    }

    @Test(arguments: Scenario.all)
    fileprivate func `the suite's results and explanations`(scenario: Scenario) throws {
        let folder = try TestFolder()
        let zone = try Service.zone(scenario.zone, in: folder)
        let policy = SenderPolicy(
            resolver: Resolver(servers: [try #require(Endpoint(zone.ready))]),
            receiver: Array("receiver.test".utf8))
        for test in scenario.tests {
            let finding = try check(test, policy)
            let allowed = test[4].split(separator: ",").map(String.init)
            let detail =
                "\(test[0]): \(finding.result), \(finding.problem ?? "") \(finding.queries)"
            #expect(allowed.contains(finding.result.rawValue), "\(detail)")
            guard finding.result == .fail, !test[5].isEmpty else { continue }
            #expect(finding.explanation == test[5], "\(test[0])")
        }
    }

    private func check(_ test: [String], _ policy: SenderPolicy) throws -> SPFFinding {
        let question = SPFQuestion(
            client: try #require(IPAddress(test[1])), helo: Array(test[2].utf8),
            reversePath: try ReversePath(test[3].utf8), identity: .mailfrom)
        return policy.check(try #require(question, "\(test[0])"))
    }
}
