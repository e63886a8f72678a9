// milter-filter and clamav-milter.
// clamav-milter(8).
// SPDX-License-Identifier: MIT

import TestSupport
import Testing

@Suite struct ClamAVMilterTests {
    private func pass(_ text: String, _ milter: ClamAVMilter) throws -> ToolResult {
        var tool = try Tool(
            "milter-filter",
            [
                "unix:\(milter.socket)", "--client-ip", "192.0.2.9", "--sender", "a@x.test",
                "--recipient", "b@y.test",
            ])
        tool.message = Array("Subject: x\n\n\(text)\n".utf8)
        return try tool.run()
    }

    @Test func `clean passes with a field, and a virus is refused with its name`() throws {
        let milter = try ClamAVMilter(
            "OnInfected Reject\nRejectMsg found %v\nAddHeader Replace\nReportHostname mx.y.test")
        let clean = try pass("hello", milter)
        #expect(clean.code == 0, "\(clean.errors)")
        #expect(clean.text.hasPrefix("Subject: x\nX-Virus-Scanned: clamav-milter"), "\(clean.text)")
        #expect(clean.text.hasSuffix("X-Virus-Status: Clean\n\nhello\n"), "\(clean.text)")
        let found = try pass("this is a virus", milter)
        #expect(found.code == 31)
        #expect(found.errors.contains("found Test.Text.UNOFFICIAL"), "\(found.errors)")
    }

    @Test(arguments: [
        ("Blackhole", 99, "discard"), ("Defer", 71, "451 4.7.1"), ("Quarantine", 71, "waits"),
    ])
    func `other answers have their verdicts`(word: String, code: Int32, text: String) throws {
        let found = try pass("this is a virus", try ClamAVMilter("OnInfected \(word)"))
        #expect(found.code == code)
        #expect(found.errors.contains(text), "\(found.errors)")
    }
}
