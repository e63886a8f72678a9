// SPDX-License-Identifier: MIT

import Control
import Recipients
import Testing

@testable import RecipientValidation

struct SourceParametersTests {
    private func parameters(_ text: String) throws -> SourceParameters {
        let kinds = [
            SourceKind("sql", form: "sql:X") { _, _ throws(ControlError) in
                throw .invalid(file: "", line: nil, reason: "")
            }
        ]
        let spec = try SourceSpec("sql:\(text)", kinds: kinds)
        return try SourceParameters(spec, names: SQLSource.parameters, last: "query")
    }

    private func text(_ bytes: [UInt8]?) -> String? {
        bytes.map { String(decoding: $0, as: UTF8.self) }
    }

    @Test func `SQL stands as it is`() throws {
        let sql = "SELECT a ? 'b' FROM t WHERE c & 16 = 0 AND d LIKE '%25%&timeout=x&query=y'"
        let all = try parameters(
            "/path with=x&y?domains=SELECT 1 WHERE a&b = '?'&timeout=5s&query=\(sql)")
        #expect(all.place == "/path with=x&y")
        #expect(text(all["domains"]) == "SELECT 1 WHERE a&b = '?'")
        #expect(text(all["timeout"]) == "5s")
        #expect(text(all["query"]) == sql)
        #expect(try parameters("x").place == "x")
        #expect(try parameters("x?")["query"] == nil)
    }

    @Test(
        arguments: [
            "?query=x", "x?SELECT 1", "x?qery=1", "x?query", "x?query=", "x?timeout=&query=1",
            "x?timeout=1s&timeout=2s&query=1", "x?&query=1",
        ])
    func `what is not understood is refused`(bad: String) {
        #expect(throws: ControlError.self) { try parameters(bad) }
    }

    @Test func `a mistake is named, and no value shown`() {
        do {
            _ = try parameters("host=x password=secret?domain=SELECT 1&query=SELECT 1")
            Issue.record("it passed")
        } catch {
            #expect("\(error)".contains("did you mean domains=?"))
            #expect(!"\(error)".contains("secret"))
        }
    }
}
