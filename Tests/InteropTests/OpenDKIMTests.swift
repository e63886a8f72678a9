// milter-filter and a milter of somebody else: opendkim.
// opendkim(8).
// SPDX-License-Identifier: MIT

import TestSupport
import Testing

/// A message with all that a signature is easily broken by: folds, tabs, dots, blank lines at the
/// end, a field without a space after the colon, and a line that is long.
private let message = """
    From: Alice <alice@x.test>
    To:bob@y.test
    Subject:  two  blanks
    \tand a tab
    Date: Fri, 27 Nov 2026 10:00:00 +0000
    Message-ID: <1@x.test>

    .a dot
    ..two
    \(String(repeating: "long ", count: 180))

      end\u{20}


    """

@Suite struct OpenDKIMTests {
    /// What comes of a message from this client.
    private func pass(
        _ message: [UInt8], _ dkim: OpenDKIM, client: String, _ options: [String] = []
    ) throws -> ToolResult {
        var tool = try Tool(
            "milter-filter",
            [
                "unix:\(dkim.socket)", "--client-ip", client, "--helo", "mail.x.test",
                "--sender", "alice@x.test", "--recipient", "bob@y.test",
            ] + options)
        tool.message = message
        return try tool.run()
    }

    private func signed(_ dkim: OpenDKIM) throws -> [UInt8] {
        let result = try pass(Array(message.utf8), dkim, client: "192.0.2.1")
        guard result.code == 0, result.text.hasPrefix("DKIM-Signature: v=1;") else {
            throw TestFailure("not signed: \(result.errors)\(dkim.log)")
        }
        return result.output
    }

    @Test(arguments: ["simple", "relaxed"])
    func `what opendkim signs it finds good`(canonical: String) throws {
        let dkim = try OpenDKIM("Canonicalization \(canonical)/\(canonical)")
        let signed = try signed(dkim)
        #expect(signed.suffix(message.utf8.count).elementsEqual(message.utf8))
        let verified = try pass(signed, dkim, client: "192.0.2.9")
        #expect(verified.code == 0)
        let lines = verified.text.split(separator: "\n", maxSplits: 2)
        #expect(lines.first == "Authentication-Results: mx.y.test;")
        #expect(lines[1].contains("dkim=pass"))
        #expect(verified.output.suffix(signed.count).elementsEqual(signed))
    }

    @Test func `a broken signature is said, or refused`() throws {
        let dkim = try OpenDKIM("On-BadSignature reject")
        var broken = try signed(dkim)
        broken[broken.count - 8] ^= 1
        let result = try pass(broken, dkim, client: "192.0.2.9")
        #expect(result.code == 31)
        #expect(result.errors.contains("reject 550 5.7.0 bad DKIM signature data"))

        let kind = try OpenDKIM("On-BadSignature accept")
        var other = try signed(kind)
        other[other.count - 8] ^= 1
        let said = try pass(other, kind, client: "192.0.2.9")
        #expect(said.code == 0)
        #expect(said.text.contains("dkim=fail"))
    }

    @Test func `what opendkim defers or discards is deferred and discarded`() throws {
        let deferring = try OpenDKIM("On-BadSignature tempfail")
        var broken = try signed(deferring)
        broken[broken.count - 8] ^= 1
        #expect(try pass(broken, deferring, client: "192.0.2.9").code == 71)

        let dropping = try OpenDKIM("On-BadSignature discard")
        var other = try signed(dropping)
        other[other.count - 8] ^= 1
        #expect(try pass(other, dropping, client: "192.0.2.9").code == 99)
    }

    @Test func `what opendkim quarantines is held, which is deferred in a shell`() throws {
        let dkim = try OpenDKIM("On-BadSignature quarantine\nCaptureUnknownErrors yes")
        var broken = try signed(dkim)
        broken[broken.count - 8] ^= 1
        let result = try pass(broken, dkim, client: "192.0.2.9")
        #expect(result.code == 71)
        #expect(result.errors.contains("451 4.7.0 the message waits for the administrator"))
    }

    @Test func `results that somebody forged go, all of them`() throws {
        let dkim = try OpenDKIM("RemoveARAll yes")
        let forged = "Authentication-Results: mx.y.test; dkim=pass header.d=bank.test\n"
        let text =
            forged + "Authentication-Results: other.test; spf=pass\n" + forged + message
        let result = try pass(Array(text.utf8), dkim, client: "192.0.2.9")
        #expect(result.code == 0)
        #expect(!result.text.contains("bank.test"))
        #expect(result.text.contains("Authentication-Results: other.test; spf=pass\n"))
        #expect(result.text.hasSuffix(message))
    }

    @Test func `a client that has authenticated is signed for`() throws {
        let dkim = try OpenDKIM()
        let result = try pass(
            Array(message.utf8), dkim, client: "198.51.100.7", ["--auth-user", "alice"])
        #expect(result.text.hasPrefix("DKIM-Signature: "))
    }
}
