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
        let alphabet = Array("<>@:,.\"\\[]IPv6:a1- \0\u{7F}".utf8) + [0xFF, 0xC3]
        for _ in 0..<20_000 {
            let bytes = (0..<Int.random(in: 0..<24, using: &generator)).map { _ in
                alphabet[Int.random(in: 0..<alphabet.count, using: &generator)]
            }
            var rest = bytes[...]
            guard let path = try? PathSyntax.reversePath(from: &rest) else { continue }
            // What was parsed is written as a path that parses to the same.
            guard let mailbox = path.mailbox else { continue }
            var again = (PathSyntax.path(of: mailbox) ?? [])[...]
            #expect((try? PathSyntax.forwardPath(from: &again)) == mailbox)
        }
    }
}
