// Tests of PathSyntax.
// SPDX-License-Identifier: MIT

import MailModel
import Testing

@testable import SMTPProtocol

@Suite struct PathSyntaxTests {
    private static let good: [(String, String)] = [
        ("<a@b>", "a@b"),
        ("<a.b+c@example.test>", "a.b+c@example.test"),
        ("<!#$%&'*+-/=?^_`{|}~@b>", "!#$%&'*+-/=?^_`{|}~@b"),
        ("<A@B.C>", "A@B.C"),
        ("<a@1.2-3.x9>", "a@1.2-3.x9"),
        ("<a@[192.0.2.1]>", "a@[192.0.2.1]"),
        ("<a@[IPv6:2001:db8::1]>", "a@[IPv6:2001:db8::1]"),
        ("<a@[ipv6:::1]>", "a@[ipv6:::1]"),
        // Quotes that are not needed go; those that are stay.
        ("<\"alice\"@b>", "alice@b"),
        ("<\"a\\lice\"@b>", "alice@b"),
        ("<\"a.b\"@b>", "a.b@b"),
        ("<\"a b\"@b>", "\"a b\"@b"),
        ("<\"a..b\"@b>", "\"a..b\"@b"),
        ("<\"\"@b>", "\"\"@b"),
        ("<\"a@b>\"@c>", "\"a@b>\"@c"),
        ("<\"a\\\"b\\\\\"@c>", "\"a\\\"b\\\\\"@c"),
        // A source route is ignored.
        ("<@x:a@b>", "a@b"),
        ("<@x.y,@z:a@b>", "a@b"),
        ("<@x:\"a b\"@b>", "\"a b\"@b"),
    ]

    @Test(arguments: good)
    func `a path of the grammar is its mailbox`(_ text: String, _ expected: String) throws {
        var rest = Array((text + " X=1").utf8)[...]
        let mailbox = try PathSyntax.forwardPath(from: &rest)
        #expect(mailbox.description == expected)
        #expect(rest.elementsEqual(" X=1".utf8))
    }

    @Test(arguments: [
        "", "<", ">", "a@b", "<a@b", "a@b>", "<a>", "<@>", "<a@>", "<@b>", "< a@b>", "<a@b >",
        "<a b@c>", "<a@b c>", "<.a@b>", "<a.@b>", "<a..b@c>", "<a@b..c>", "<a@.b>", "<a@b.>",
        "<a@-b>", "<a@b->", "<a@b_c>", "<a@b@c>", "<\"a@b>", "<a\"b\"@c>", "<\"a\"b@c>",
        "<a@[1.2.3]>", "<a@[1.2.3.4>", "<a@[]>", "<a@[::1]>", "<a@[IPv6:]>", "<a@[IPv6:1.2.3.4]>",
        "<a@[x:y]>", "<@x a@b>", "<@x,a@b>", "<@x,:a@b>", "<@:a@b>", "<a,b@c>", "<a;b@c>",
        "<a(b)@c>", "<a\\@b>", "<\"a\u{1}\"@b>", "<\"a\\\u{1}\"@b>", "<é@b>", "<a@é>", "<\"é\"@b>",
        "<a\0@b>", "<a@b\0>", "<<a@b>>", "<a:b@c>", "\"<a@b>\"",
    ])
    func `what is not of the grammar is no path`(_ text: String) {
        let bytes = Array(text.utf8)[...]
        var rest = bytes
        #expect(throws: PathError.syntax) { try PathSyntax.forwardPath(from: &rest) }
        #expect(rest == bytes)
    }

    private static let literals: [(String, Bool)] = [
        ("[192.0.2.1]", true), ("[0.0.0.0]", true), ("[255.255.255.255]", true),
        ("[192.000.002.001]", true), ("[256.0.0.1]", false), ("[1.2.3.0004]", false),
        ("[1.2.3.4.5]", false), ("[1.2.3.]", false), ("[1.2.3.+4]", false), ("[1.2.3.4 ]", false),
        ("[IPv6:1:2:3:4:5:6:7:8]", true), ("[IPv6:0001:2:3:4:5:6:7:ABCD]", true),
        ("[IPv6:1:2:3:4:5:6:7]", false), ("[IPv6:1:2:3:4:5:6:7:8:9]", false),
        ("[IPv6:00001:2:3:4:5:6:7:8]", false), ("[IPv6:g:2:3:4:5:6:7:8]", false),
        ("[IPv6:::]", true), ("[IPv6:::1]", true), ("[IPv6:1::]", true), ("[IPv6:1::8]", true),
        ("[IPv6:1:2:3::7:8:9]", true), ("[IPv6:1:2:3:4:5:6::]", true),
        ("[IPv6:::3:4:5:6:7:8]", true),
        // `::` stands for two groups at least.
        ("[IPv6:1:2:3::6:7:8:9]", false), ("[IPv6:1:2:3:4:5:6:7::]", false),
        ("[IPv6:1::2::3]", false), ("[IPv6::::]", false), ("[IPv6:1:::2]", false),
        ("[IPv6::1:2]", false), ("[IPv6:1:2:]", false), ("[IPv6:]", false),
        ("[IPv6:1:2:3:4:5:6:192.0.2.1]", true), ("[IPv6:1:2:3:4:5:6:7:192.0.2.1]", false),
        ("[IPv6:1:2:3:4:5:192.0.2.1]", false), ("[IPv6:::192.0.2.1]", true),
        ("[IPv6:::ffff:192.0.2.1]", true), ("[IPv6:1:2::3:4:192.0.2.1]", true),
        ("[IPv6:1:2::3:4:5:192.0.2.1]", false), ("[IPv6:192.0.2.1::]", false),
        ("[IPv6:192.0.2.1]", false), ("[IPv6:::192.0.2]", false), ("[IPv6:::192.0.2.256]", false),
        ("[ipV6:::1]", true), ("[IPv6 ::1]", false), ("[IPv4:192.0.2.1]", false),
        ("[x-tag:abc]", false), ("[IPv6:fe80::1%eth0]", false), ("[[::1]]", false),
    ]

    @Test(arguments: literals)
    func `an address literal is one of the five forms`(_ text: String, _ isOne: Bool) {
        #expect(PathSyntax.isAddressLiteral(text.utf8) == isOne)
        #expect(PathSyntax.isMailbox("a@\(text)".utf8) == isOne)
    }

    private static let international: [(String, String)] = [
        ("<é@b>", "é@b"), ("<\"é\"@b>", "é@b"), ("<\"é b\"@c>", "\"é b\"@c"),
        ("<a@bücher.example>", "a@bücher.example"), ("<@bücher.example:a@b>", "a@b"),
        ("<用户@例え.テスト>", "用户@例え.テスト"), ("<\u{1F600}@b>", "\u{1F600}@b"), ("<a@b>", "a@b"),
        ("<a@\(String(repeating: "é", count: 59))>", "a@\(String(repeating: "é", count: 59))"),
    ]

    @Test(arguments: international)
    func `UTF-8 is for those that asked for it`(_ text: String, _ expected: String) throws {
        var rest = Array(text.utf8)[...]
        let mailbox = try PathSyntax.forwardPath(from: &rest, utf8: true)
        #expect(mailbox.bytes.elementsEqual(expected.utf8) && rest.isEmpty)
        var again = (PathSyntax.path(of: mailbox, utf8: true) ?? [])[...]
        #expect(try PathSyntax.forwardPath(from: &again, utf8: true) == mailbox)
        guard text.utf8.contains(where: { $0 >= 0x80 }), !text.hasPrefix("<@") else { return }
        #expect(PathSyntax.path(of: mailbox) == nil)
        var other = Array(text.utf8)[...]
        #expect(throws: PathError.syntax) { try PathSyntax.forwardPath(from: &other) }
    }

    private static let broken: [([UInt8], String)] = [
        ([0xC0, 0xAE], "an overlong dot"), ([0xE0, 0x80, 0xAE], "a longer one"),
        ([0xED, 0xA0, 0x80], "a surrogate"), ([0xF4, 0x90, 0x80, 0x80], "beyond U+10FFFF"),
        ([0xFF], "no byte of UTF-8"), ([0xC3], "half a character"), ([0xA9], "the other half"),
        ([0xC2, 0x85], "a C1 control"), ([0xE2, 0x80, 0xA8], "a line separator"),
        ([0xEF, 0xB7, 0x90], "U+FDD0, a noncharacter"), ([0xEF, 0xBF, 0xBF], "U+FFFF"),
        ([0xF0, 0x9F, 0xBF, 0xBE], "U+1FFFE"), ([0x5C, 0xC3, 0xA9], "a backslash before UTF-8"),
    ]

    @Test(arguments: broken)
    func `what is no text of Unicode is no mailbox`(_ bytes: [UInt8], _ why: String) {
        for (start, end) in [("", "@b"), ("a", "b@c"), ("a@", ""), ("a@b", "c.d"), ("\"", "\"@b")] {
            let mailbox = Array(start.utf8) + bytes + Array(end.utf8)
            #expect(!PathSyntax.isMailbox(mailbox, utf8: true), "\(why): \(mailbox.printable)")
        }
    }

    @Test(arguments: [
        "a@b\u{3002}c", "a@b\u{FF0E}c", "a@b\u{FF61}c", "a@b\u{A0}c", "a@b\u{200B}c", "a@b\u{AD}c",
        "a@-é", "a@é-", "a@xn--é", "a@é..b", "a@é.", "a@\(String(repeating: "é", count: 60))",
        "a@\(String(repeating: "é", count: 40)).\(String(repeating: "é", count: 50))."
            + "\(String(repeating: "é", count: 50))",
    ])
    func `what is no U-label is no domain`(_ text: String) {
        #expect(!PathSyntax.isMailbox(text.utf8, utf8: true))
    }

    @Test func `lengths are counted in bytes`() {
        let local = String(repeating: "é", count: 32)
        #expect(PathSyntax.isMailbox("\(local)@b".utf8, utf8: true))
        #expect(!PathSyntax.isMailbox("\(local)a@b".utf8, utf8: true))
    }

    @Test func `only a reverse-path may be null`() throws {
        var rest = Array("<> SIZE=1".utf8)[...]
        #expect(try PathSyntax.reversePath(from: &rest) == .null)
        #expect(rest.elementsEqual(" SIZE=1".utf8))
        var forward = Array("<>".utf8)[...]
        #expect(throws: PathError.syntax) { try PathSyntax.forwardPath(from: &forward) }
    }

    private static func path(local: Int, labels: [Int], route: String = "") -> [UInt8] {
        let domain = labels.map { String(repeating: "d", count: $0) }.joined(separator: ".")
        return Array("<\(route)\(String(repeating: "l", count: local))@\(domain)>".utf8)
    }

    private static let lengths: [([UInt8], Bool, String)] = [
        (path(local: 64, labels: [10]), true, "local-part of 64"),
        (path(local: 65, labels: [10]), false, "local-part of 65"),
        (path(local: 1, labels: [63]), true, "label of 63"),
        (path(local: 1, labels: [64]), false, "label of 64"),
        (path(local: 62, labels: [63, 63, 63]), true, "path of 256"),
        (path(local: 63, labels: [63, 63, 63]), false, "path of 257"),
        (path(local: 1, labels: [63, 63, 63, 60]), true, "path of 256, long domain"),
        (path(local: 1, labels: [63, 63, 63, 63]), false, "path of 259"),
        (path(local: 53, labels: [63, 63, 63], route: "@route.x:"), true, "route, 256"),
        (path(local: 54, labels: [63, 63, 63], route: "@route.x:"), false, "route, 257"),
    ]

    @Test(arguments: lengths)
    func `limits are those of RFC 5321`(_ path: [UInt8], _ fits: Bool, _ why: String) {
        var rest = path[...]
        if fits {
            #expect(throws: Never.self) { try PathSyntax.forwardPath(from: &rest) }
        } else {
            #expect(throws: PathError.tooLong) { try PathSyntax.forwardPath(from: &rest) }
        }
    }

    private static let written: [(String, String?)] = [
        ("a@b", "<a@b>"),
        ("\"a b\"@c", "<\"a b\"@c>"),
        ("a b@c", "<\"a b\"@c>"),
        ("a\"b@c", "<\"a\\\"b\"@c>"),
        ("a> SIZE=1@c", "<\"a> SIZE=1\"@c>"),
        ("a..b@c", "<\"a..b\"@c>"),
        ("a@b@c", "<\"a@b\"@c>"),
        ("a", nil),
        ("a@", nil),
        ("a@b c", nil),
        ("a@[]", nil),
        ("é@b", nil),
        ("a\u{1}b@c", nil),
    ]

    @Test(arguments: written)
    func `a mailbox is written so that it stays one path`(_ text: String, _ expected: String?)
        throws
    {
        let mailbox = try Mailbox(Array(text.utf8))
        #expect(PathSyntax.path(of: mailbox) == expected.map { Array($0.utf8) })
    }

    @Test func `atext is that of RFC 5322`() {
        let text = Array("!#$%&'*+-/=?^_`{|}~".utf8)
        for byte in UInt8(0)...255 {
            let isAtomText = byte.isASCIILetter || byte.isASCIIDigit || text.contains(byte)
            #expect(PathSyntax.isAtomText(byte) == isAtomText, "\(byte)")
        }
    }

    @Test func `no bytes at all make the parser trap`() {
        var generator = SystemRandomNumberGenerator()
        let alphabet = Array("<>@:,.\"\\[]IPv6:a1- \0\u{7F}".utf8) + [0xFF, 0xC3, 0xA9]
        for _ in 0..<20_000 {
            let bytes = (0..<Int.random(in: 0..<24, using: &generator)).map { _ in
                alphabet[Int.random(in: 0..<alphabet.count, using: &generator)]
            }
            for utf8 in [false, true] {
                var rest = bytes[...]
                guard let path = try? PathSyntax.reversePath(from: &rest, utf8: utf8) else {
                    continue
                }
                // What was parsed is written as a path that parses to the same.
                guard let mailbox = path.mailbox else { continue }
                var again = (PathSyntax.path(of: mailbox, utf8: utf8) ?? [])[...]
                #expect((try? PathSyntax.forwardPath(from: &again, utf8: utf8)) == mailbox)
            }
        }
    }
}
