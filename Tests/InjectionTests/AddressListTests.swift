import MailModel
import Testing

@testable import Injection

@Suite struct AddressListTests {
    private func parse(_ body: String) throws -> [String] {
        try AddressList(Array(body.utf8)).addresses.map { address in
            address.localPart.printable + (address.domain.map { "@\($0.printable)" } ?? "")
        }
    }

    @Test(
        arguments: [
            (" bob@a.test\n", ["bob@a.test"], "the simplest"),
            (" bob@a.test, carol@b.test\n", ["bob@a.test", "carol@b.test"], "two"),
            (" bob@a.test,\n carol@b.test\n", ["bob@a.test", "carol@b.test"], "a fold"),
            (" Bob Smith <bob@a.test>\n", ["bob@a.test"], "a phrase"),
            (" \"Smith, Bob\" <bob@a.test>\n", ["bob@a.test"], "a comma in quotes"),
            (" bob@a.test (Smith, Bob)\n", ["bob@a.test"], "a comma in a comment"),
            ("(a(b)c\\)) bob (x) @ (y) a . (z) test\n", ["bob@a.test"], "comments everywhere"),
            (" \"bob smith\"@a.test\n", ["bob smith@a.test"], "a quoted local-part"),
            (" \"a\\\"b\\\\c\"@a.test\n", ["a\"b\\c@a.test"], "quoted-pairs"),
            (" bob@[192.0.2.1]\n", ["bob@[192.0.2.1]"], "a literal"),
            (" <bob@[IPv6:2001:db8::1]>\n", ["bob@[IPv6:2001:db8::1]"], "another"),
            (
                " friends: bob@a.test, \"C\" <carol@b.test>;\n", ["bob@a.test", "carol@b.test"],
                "group"
            ),
            (" undisclosed-recipients:;\n", [], "an empty group"),
            (" a: b@c.test;, d@e.test\n", ["b@c.test", "d@e.test"], "a group and more"),
            (" , ,bob@a.test,,\n", ["bob@a.test"], "empty elements"),
            (" bob@a.test; carol@b.test\n", ["bob@a.test", "carol@b.test"], "semicolons"),
            (" bob\n", ["bob"], "no domain"), (" bob@\n", ["bob"], "an empty domain"),
            (" <@a.test,@b.test:bob@c.test>\n", ["bob@c.test"], "a route"),
            (" J. R. Smith <bob@a.test>\n", ["bob@a.test"], "dots in a phrase"),
            (" bob@a.test <bob@a.test>\n", ["bob@a.test"], "an address as a name"),
            (" a..b.@c.test\n", ["a..b.@c.test"], "dots that RFC 5322 has not"),
            (" Jos\u{E9} <jos\u{E9}@\u{E9}.test>\n", ["jos\u{E9}@\u{E9}.test"], "UTF-8"),
            ("", [], "nothing"), (" (only a comment)\n", [], "a comment"),
            (" Postmaster <>\n", [""], "the null address"),
        ])
    func `what people write is understood`(body: String, addresses: [String], why: String) throws {
        #expect(try parse(body) == addresses, "\(why)")
    }

    @Test(
        arguments: [
            (" bob smith\n", "two words"), (" bob@a.test carol@b.test\n", "no comma"),
            (" <bob@a.test\n", "no end"), (" \"bob@a.test\n", "no end"), (" (bob\n", "no end"),
            (" bob@a.test)\n", "no beginning"), (" bob@[1.2.3.4\n", "no end"),
            (" bob@a@b.test\n", "two domains"), (" @a.test\n", "no local-part"),
            (" <bob@a.test> x\n", "more"), (" bob\u{1}@a.test\n", "a control character"),
            (" a: b: c@d.test;;\n", "a group in a group"), (" <a b@c.test>\n", "two words"),
            (" bob@a [1.2.3.4]\n", "two domains"), (" \"bob\" \"x\"@a.test\n", "two words"),
            (" bob@a.test\\\n", "a lone backslash"), (" (a\\", "a backslash at the end"),
            (" \"a\u{0}b\"@c.test", "a NUL"), (" :\n", "no name"),
            (" bob@[x@y.test]\n", "an @ behind the last one"),
            (" bob@[x\\@y.test]\n", "the same, quoted"),
        ])
    func `what is no list of addresses is an error`(body: String, why: String) {
        #expect(throws: AddressError.self, "\(why)") { try parse(body) }
    }

    @Test func `an address that no envelope holds is an error`() {
        let long = String(repeating: "a", count: Mailbox.maximumLength)
        #expect(throws: AddressError.tooLong) { try parse("\(long)@b.test") }
    }

    /// What nests, repeats or never ends takes neither the stack nor a quadratic time.
    @Test(
        arguments: [
            "(", "((\\", "\"", "[", "<", "<@", "a:", ",", ";", ".", "@", "a@b,", "\\", "a ", "(a)",
        ])
    func `a lot of anything ends`(piece: String) {
        let bytes = Array(String(repeating: piece, count: 200_000 / piece.utf8.count).utf8)
        let clock = ContinuousClock()
        let time = clock.measure { _ = try? AddressList(bytes) }
        #expect(time < .seconds(20))
    }

    /// Random fields made of what matters to the parser: none traps it, each address is where it says
    /// it is, and completing a field once is enough.
    @Test func `hostile fields`() throws {
        var generator = SeededGenerator(state: 0x5EED)
        let pieces: [[UInt8]] =
            [
                "a", "bob", "@", ".", ",", ";", ":", "<", ">", "(", ")", "[", "]", "\"", "\\", " ",
                "\n ", "\t", "host+", "a.test", "\u{E9}", "=?UTF-8?B?w6k=?=",
            ].map { Array($0.utf8) } + [[0x00], [0x0D], [0xFF], [0x7F]]
        let names = Names.defaults
        for _ in 0..<10_000 {
            let count = Int.random(in: 0...24, using: &generator)
            let body = (0..<count).flatMap { _ in
                pieces.randomElement(using: &generator) ?? []
            }
            guard let list = try? AddressList(body) else { continue }
            for (address, next) in zip(list.addresses, list.addresses.dropFirst()) {
                #expect(address.range.upperBound <= next.range.lowerBound)
            }
            for address in list.addresses {
                #expect(body.indices.contains(address.range.lowerBound))
                #expect(address.range.upperBound <= body.count)
                guard !address.isEmpty,
                    let mailbox = try? names.completed(address.localPart, address.domain)
                else { continue }
                let again = try AddressList(mailbox.quoted)
                #expect(again.addresses.count == 1, "\(body.printable)")
                guard let same = again.addresses.first else { continue }
                let whole = try names.completed(same.localPart, same.domain)
                #expect(whole == mailbox, "\(body.printable)")
            }
        }
    }
}

/// SplitMix64, so that each run tests the same.
struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var value = state
        value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
        return value ^ (value >> 31)
    }
}
