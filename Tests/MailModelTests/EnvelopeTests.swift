// Tests of Envelope.
// SPDX-License-Identifier: MIT

import MailModel
import Testing

struct EnvelopeTests {
    private func envelope(_ text: String) throws -> Envelope {
        try Envelope(queueFormat: Array(text.utf8))
    }

    @Test(arguments: [
        ("Fa@b\0\0", 0), ("F\0Tc@d\0\0", 1), ("F\0Tc@d\0Te@f\0\0", 2),
    ])
    func `an envelope reads back as it was written`(text: String, recipients: Int) throws {
        let envelope = try envelope(text)
        #expect(envelope.recipients.count == recipients)
        #expect(envelope.queueFormat == Array(text.utf8))
    }

    @Test(arguments: ["", "F", "Fa@b", "Fa@b\0", "Fa@b\0T", "Fa@b\0Tc@d", "Fa@b\0Tc@d\0"])
    func `an envelope without its final NUL is cut short`(text: String) {
        #expect(throws: EnvelopeError.cutShort) { try envelope(text) }
    }

    @Test(arguments: [
        "Ta@b\0\0",  // the sender must come first
        "\0",  // no sender record
        "Fa@b\0Fc@d\0\0",  // two senders
        "F\0T\0\0",  // an empty recipient
        "F\0\0x",  // bytes after the end
        "Fa\nb\0\0",  // an LF in an address
    ])
    func `a record of another kind is malformed`(text: String) {
        #expect(throws: EnvelopeError.malformed) { try envelope(text) }
    }

    @Test func `an address of 1003 bytes is too long`() {
        let long = String(repeating: "a", count: 1003)
        #expect(throws: EnvelopeError.addressTooLong) { try envelope("F\(long)\0\0") }
        #expect(throws: EnvelopeError.addressTooLong) { try envelope("F\0T\(long)\0\0") }
    }
}
