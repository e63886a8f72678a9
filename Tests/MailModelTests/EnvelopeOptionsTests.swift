// Tests of EnvelopeOptions, RecipientOptions, XText and UTF8Text.
// SPDX-License-Identifier: MIT

import MailModel
import Testing

struct EnvelopeOptionsTests {
    private func mailbox(_ text: String) throws -> Mailbox { try Mailbox(Array(text.utf8)) }

    private func envelope() throws -> Envelope {
        var envelope = Envelope(reversePath: .mailbox(try mailbox("alice@a.test")))
        envelope.options.ret = .headers
        envelope.options.envid = EnvelopeID("QQ+2B314159".utf8)
        envelope.options.bodyType = .eightBitMIME
        envelope.options.smtputf8 = true
        envelope.options.requireTLS = true
        envelope.append(
            try mailbox("one@b.test"),
            RecipientOptions(notify: .never, orcpt: OriginalRecipient("rfc822;One@b.test".utf8)))
        envelope.append(try mailbox("two@b.test"))
        envelope.append(try mailbox("three@b.test"), RecipientOptions(notify: [.success, .delay]))
        return envelope
    }

    @Test func `an envelope with options is read as it was sent`() throws {
        var fields = Fields()
        fields.append(try envelope())
        #expect(try Fields(frame: fields.frame).envelope() == envelope())
    }

    @Test func `an envelope without options is on the wire what it was before there were any`()
        throws
    {
        var fields = Fields()
        fields.append(
            Envelope(reversePath: .null, recipients: [try mailbox("a@b"), try mailbox("c@d")]))
        #expect(fields.all.map(\.name) == ["reverse-path", "recipient", "recipient"])
    }

    @Test func `a request for delivery carries the options`() throws {
        let id = SessionID(microseconds: 1, random: 2).message(1)
        let request = DeliveryRequest(
            id: id, channel: .local, envelope: try envelope(), messageLength: 3)
        #expect(try DeliveryRequest(request.fields) == request)
    }

    @Test(arguments: [
        ("ret", "SOME"), ("envid", "a b"), ("envid", "+0A"), ("envid", ""), ("body-type", "9BIT"),
        ("notify", "NEVER,DELAY"), ("orcpt", "rfc822"),
    ])
    func `an option that is not of its form voids the envelope`(name: String, value: String) {
        var fields = Fields()
        fields.append("reverse-path", "")
        fields.append("recipient", "a@b")
        fields.append(name, value)
        #expect(throws: FieldsError.badValue(name)) { try fields.envelope() }
    }

    @Test func `a recipient that goes takes its options along, one that comes has none`() throws {
        let edits: [Edit] = [
            .removeRecipient(try mailbox("one@b.test")), .addRecipient(try mailbox("new@b.test")),
        ]
        let result = edits.applied(to: try envelope())
        #expect(
            result.recipients.map(\.description) == ["two@b.test", "three@b.test", "new@b.test"])
        #expect(result.options(ofRecipient: 0).isEmpty)
        #expect(result.options(ofRecipient: 1).notify == [.success, .delay])
        #expect(result.options(ofRecipient: 2).isEmpty)
        #expect(result.options == (try envelope()).options)
    }

    @Test func `what takes the place of the only recipient gets its options`() throws {
        var envelope = Envelope(reversePath: .null)
        let options = RecipientOptions(notify: .never)
        envelope.append(try mailbox("list@b.test"), options)
        let members = try ["x@b.test", "y@b.test"].map(mailbox)
        let edits = [.removeRecipient(try mailbox("list@b.test"))] + members.map(Edit.addRecipient)
        let result = edits.applied(to: envelope)
        #expect(result.recipients == members)
        #expect(result.options(ofRecipient: 0) == options)
        #expect(result.options(ofRecipient: 1) == options)
        // An archive beside it is no other name of it.
        let archived = [Edit.addRecipient(members[0])].applied(to: envelope)
        #expect(archived.options(ofRecipient: 1).isEmpty)
    }

    @Test func `RET and ENVID stay with another reverse-path and go with the null one`() throws {
        let other = [Edit.reversePath(.mailbox(try mailbox("srs@c.test")))]
        #expect(other.applied(to: try envelope()).options == (try envelope()).options)
        let null = [Edit.reversePath(.null)].applied(to: try envelope())
        #expect(null.options.ret == nil && null.options.envid == nil)
        #expect(null.options.smtputf8 && null.options.requireTLS)
    }

    @Test func `some recipients of an envelope keep their options`() throws {
        let some = try envelope().withRecipients([2, 7, 0])
        #expect(some.recipients.map(\.description) == ["three@b.test", "one@b.test"])
        #expect(some.options(ofRecipient: 0).notify == [.success, .delay])
        #expect(some.options(ofRecipient: 1).notify == .never)
        var other = Envelope(reversePath: .null, recipients: [try mailbox("first@b.test")])
        other.appendRecipients(of: some)
        #expect(other.options(ofRecipient: 0).isEmpty)
        #expect(other.options(ofRecipient: 2).notify == .never)
    }

    private static let notifications: [(String, Notify?)] = [
        ("NEVER", .never), ("never", .never), ("SUCCESS", .success), ("Failure", .failure),
        ("SUCCESS,FAILURE", [.success, .failure]), ("delay,delay", .delay), ("", nil),
        ("NEVER,DELAY", nil), ("DELAY,NEVER", nil), ("DELAY,", nil), (",DELAY", nil),
        ("DELAY, FAILURE", nil), ("ALWAYS", nil),
    ]

    @Test(arguments: notifications)
    func `NOTIFY is NEVER or a list`(value: String, expected: Notify?) {
        #expect(Notify(value.utf8) == expected)
        if let expected { #expect(Notify(expected.value.utf8) == expected) }
    }

    private static let originals: [(String, String?)] = [
        ("rfc822;a@b", "a@b"), ("rfc822;a+2Bb@c", "a+b@c"), ("X-Any;+20", " "),
        ("utf-8;a\\x{E9}@b", "a\\x{E9}@b"), ("utf-8;é@b", "é@b"), ("rfc822;é@b", nil),
        ("rfc822;a+0Ab@c", nil), ("rfc822;a+e9", nil), ("rfc822;a+E9", nil), ("rfc822;a=b", nil),
        ("rfc822;a b", nil), (";a@b", nil), ("rfc822;", nil), ("rfc 822;a", nil), ("a@b", nil),
        ("rfc822;a+2", nil), ("rfc822;" + String(repeating: "a", count: 494), nil),
    ]

    @Test(arguments: originals)
    func `ORCPT is a type and an address`(value: String, address: String?) {
        let original = OriginalRecipient(value.utf8)
        #expect(original.map { String(decoding: $0.address, as: UTF8.self) } == address)
    }

    @Test func `UTF-8 in ORCPT needs SMTPUTF8`() {
        #expect(OriginalRecipient("utf-8;é@b".utf8, allowsUTF8: false) == nil)
        #expect(OriginalRecipient("utf-8;a\u{7F}é@b".utf8) == nil)
        #expect(OriginalRecipient("utf-8;a\\x{E9}@b".utf8, allowsUTF8: false) != nil)
    }

    @Test func `xtext of any bytes comes back`() {
        let bytes = (0...255).map { UInt8($0) }
        #expect(XText.decoded(XText.encoded(bytes)) == bytes)
        #expect(XText.encoded("a+b=c ".utf8) == Array("a+2Bb+3Dc+20".utf8))
        for wrong in ["+", "+2", "+2b", "+G0", "a b", "a=b", "é"] {
            #expect(XText.decoded(wrong.utf8) == nil, "\(wrong)")
        }
    }

    @Test(
        arguments: [
            [0xC0, 0x80], [0xC1, 0xBF], [0xE0, 0x80, 0x80], [0xE0, 0x9F, 0xBF], [0xED, 0xA0, 0x80],
            [0xED, 0xBF, 0xBF], [0xF0, 0x80, 0x80, 0x80], [0xF0, 0x8F, 0xBF, 0xBF],
            [0xF4, 0x90, 0x80, 0x80], [0xF5, 0x80, 0x80, 0x80], [0xFF], [0x80], [0xC3],
            [0xE2, 0x82], [0xC3, 0x28],
        ] as [[UInt8]])
    func `what is not UTF-8 to the letter is none`(bytes: [UInt8]) {
        #expect(!UTF8Text.isValid(bytes))
        #expect(!UTF8Text.isValid([0x61] + bytes))
    }

    @Test func `each character of Unicode is UTF-8`() {
        for value in stride(from: UInt32(0), through: 0x10FFFF, by: 61) {
            guard let scalar = Unicode.Scalar(value) else { continue }
            let bytes = Array(String(scalar).utf8)
            #expect(UTF8Text.character(bytes)?.length == bytes.count, "\(value)")
            #expect(UTF8Text.character(bytes)?.scalar == value)
        }
    }
}
