// SPDX-License-Identifier: MIT

import SpamScoring
import Testing

@Suite struct ServerPlaceTests {
    @Test(
        arguments: [
            ("/run/spamd.sock", "/run/spamd.sock"), ("run/s", "run/s"),
            ("127.0.0.1:783", "127.0.0.1:783"), ("[::1]:783", "[::1]:783"), ("::1", "[::1]:783"),
            ("localhost:784", "127.0.0.1:784"), ("LOCALHOST", "127.0.0.1:783"),
            ("192.0.2.1", "192.0.2.1:783"), ("spam.example.test:11333", "spam.example.test:11333"),
            ("spam.example.test", "spam.example.test:783"),
        ])
    func `a place is read`(_ text: String, _ place: String) throws {
        #expect(ServerPlace(Array(text.utf8), defaultPort: 783)?.description == place)
    }

    @Test(
        arguments: [
            "", ":", ":783", "127.0.0.1:0", "127.0.0.1:65536", "127.0.0.1:x", "spam:", "spam:0",
            "999.0.0.1:783", "a..b:783", "spam:783:784", "spam:65536",
        ])
    func `what is no place is none`(_ text: String) {
        #expect(ServerPlace(Array(text.utf8), defaultPort: 783) == nil)
    }

    @Test func `without a default the port must be there`() {
        #expect(ServerPlace(Array("spam.example.test".utf8)) == nil)
    }

    @Test(
        arguments: [
            ("5", "5.0"), ("-1.96", "-2.0"), ("0.04", "0.0"), ("15.25", "15.3"), ("-0.05", "-0.1"),
            ("1000000", "1000000.0"),
        ])
    func `a score is read and written`(_ text: String, _ written: String) throws {
        let score = try #require(Score.read(Array(text.utf8)))
        #expect(Score.text(score) == written)
    }

    @Test(arguments: ["", "-", ".", "5.", ".5", "+5", "5,0", "1e3", " 5", "--5", "1000001", "nan"])
    func `what is no score is none`(_ text: String) {
        #expect(Score.read(Array(text.utf8)) == nil)
    }

    @Test(arguments: [Double.infinity, -.infinity, 1e300, -1e300])
    func `a score without end is written all the same`(_ score: Double) {
        #expect(Score.text(score).hasSuffix("1000000.0"))
    }
}
