// Tests of Evidence: one line of JSON, whatever it is made of.
// RFC 8259.
// SPDX-License-Identifier: MIT

import Foundation
import MailModel
import Testing

@testable import FilterKit

struct EvidenceTests {
    private func line(_ evidence: Evidence, _ verdict: Verdict = .accept) -> String {
        String(decoding: evidence.line("name", verdict, nil), as: UTF8.self)
    }

    @Test func `bytes of any kind become valid JSON on one line`() throws {
        var evidence = Evidence(isWanted: true)
        evidence["bytes"] = .bytes((0...255).map { UInt8($0) })
        let line = line(evidence)
        #expect(line.filter { $0 == "\n" }.count == 1)
        let object = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
        let bytes = try #require(object?["bytes"] as? String)
        #expect(bytes.unicodeScalars.first == "\0")
        #expect(bytes.unicodeScalars.last == "\u{FFFD}")
    }

    @Test func `the reply comes first, then the evidence in its order`() {
        var evidence = Evidence(isWanted: true)
        evidence["list"] = .list([1, "two", .null, true])
        evidence.log("count", 3)
        evidence["list"] = .list([])
        #expect(
            line(evidence, .reject(EnhancedStatus(5, 7, 1), "a \"b\" \\"))
                == #"{"filter":"name","verdict":"reject","code":550,"status":"5.7.1","#
                + #""text":"a \"b\" \\","count":3,"list":[]}"# + "\n")
    }

    @Test func `edits are told`() throws {
        let field = try #require(HeaderField("X-A", "1"))
        let line = line(Evidence(isWanted: true), .accept([.prepend(field), .hold]))
        #expect(
            line == #"{"filter":"name","verdict":"accept","edits":["prepend X-A: 1","hold"]}"#
                + "\n")
    }
}
