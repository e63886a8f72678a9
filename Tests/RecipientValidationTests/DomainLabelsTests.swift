// SPDX-License-Identifier: MIT

import Testing

@testable import RecipientValidation

struct DomainLabelsTests {
    @Test(arguments: [
        // RFC 3492, section 7.1, in small letters.
        ("他们为什么不说中文", "xn--ihqwcrb4cv8a8dqg056pqjye"),
        ("3年b組金八先生", "xn--3b-ww4c5e180e575a65lsy2b"),
        (
            "почемужеонинеговорятпорусски",
            "xn--b1abfaaepdrnnbgefbadotcwatmq2g4l"
        ),
        ("mail.Bücher.Example.", "mail.xn--bcher-kva.example."), ("PLAIN.test", "plain.test"),
    ])
    func `labels are what RFC 3492 says`(domain: String, expected: String) {
        #expect(DomainLabels.ascii(domain.utf8) == Array(expected.utf8))
    }

    @Test func `what is no name is none, and nothing overflows`() {
        #expect(DomainLabels.ascii([0x62, 0xFC, 0x2E]) == nil)
        #expect(DomainLabels.ascii(String(repeating: "ü", count: 64).utf8) == nil)
        let last = String(repeating: "\u{10FFFF}ü", count: 31)
        #expect(DomainLabels.ascii(last.utf8) != nil)
    }
}
