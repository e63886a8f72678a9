import Testing

@testable import SASL

@Suite struct OAuthBearerTests {
    @Test func `the example of RFC 7628 is read`() throws {
        let text =
            "n,a=user@example.com,\u{1}host=server.example.com\u{1}port=143\u{1}"
            + "auth=Bearer vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==\u{1}\u{1}"
        let response = try #require(OAuthBearer(Array(text.utf8)))
        #expect(response.authorization == Array("user@example.com".utf8))
        #expect(response.token == Array("vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==".utf8))
    }

    @Test func `names are unescaped, and the scheme's case does not count`() throws {
        let response = try #require(
            OAuthBearer(Array("y,a=a=2Cb=3Dc,\u{1}auth=BEARER x\u{1}\u{1}".utf8)))
        #expect(response.authorization == Array("a,b=c".utf8))
        #expect(response.token == Array("x".utf8))
    }

    @Test func `a client without a token asks where to get one`() throws {
        let response = try #require(OAuthBearer(Array("n,,\u{1}auth=\u{1}\u{1}".utf8)))
        #expect(response.token.isEmpty && response.authorization.isEmpty)
    }

    @Test(arguments: [
        ("", "nothing"), ("\u{1}", "the dummy"), ("n,,", "no separators"),
        ("n,,\u{1}", "one separator for two"), ("n,,\u{1}\u{1}", "no auth"),
        ("p=tls-exporter,,\u{1}auth=Bearer x\u{1}\u{1}", "it binds to nothing"),
        ("x,,\u{1}auth=Bearer x\u{1}\u{1}", "no such flag"),
        ("n,a=,\u{1}auth=Bearer x\u{1}\u{1}", "an empty name"),
        ("n,b=otto,\u{1}auth=Bearer x\u{1}\u{1}", "not a name"),
        ("n,a=o=2Fo,\u{1}auth=Bearer x\u{1}\u{1}", "an escape that there is not"),
        ("n,a=o=,\u{1}auth=Bearer x\u{1}\u{1}", "an escape cut short"),
        ("n,,\u{1}auth=Bearer x\u{1}", "the end is missing"),
        ("n,,\u{1}auth=Bearer\u{1}\u{1}", "no token"),
        ("n,,\u{1}auth=Bearer  \u{1}\u{1}", "a token of blanks"),
        ("n,,\u{1}auth=Basic x\u{1}\u{1}", "another scheme"),
        ("n,,\u{1}auth=Bearer a b\u{1}\u{1}", "two words"),
        ("n,,\u{1}auth=Bearer a\u{0}b\u{1}\u{1}", "NUL"),
        ("n,,\u{1}auth=Bearer a\u{1}auth=Bearer b\u{1}\u{1}", "two tokens"),
        ("n,,\u{1}1=x\u{1}auth=Bearer a\u{1}\u{1}", "a key that is no word"),
        ("n,,\u{1}auth\u{1}\u{1}", "no value"),
        ("n,,\u{1}auth=Bearer \u{e4}\u{1}\u{1}", "eight bits"),
    ])
    func `what is not of the form is nothing`(text: String, reason: String) {
        #expect(OAuthBearer(Array(text.utf8)) == nil)
    }

    @Test func `no cut of a response makes another of it`() {
        let whole = Array("n,a=otto,\u{1}host=h\u{1}auth=Bearer abc\u{1}\u{1}".utf8)
        for end in 0..<whole.count { #expect(OAuthBearer(Array(whole[..<end])) == nil) }
    }

    @Test func `the error is JSON`() {
        #expect(
            OAuthBearer.errorChallenge("invalid_token", scope: "smtp")
                == Array("{\"status\":\"invalid_token\",\"scope\":\"smtp\"}".utf8))
    }
}
