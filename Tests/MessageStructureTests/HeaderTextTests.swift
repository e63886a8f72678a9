import Testing

@testable import MessageStructure

@Suite struct HeaderTextTests {
    @Test(arguments: [
        ("=?utf-8?Q?secret_word?=", "secret word"),
        ("=?utf-8?Q?secret word?=", "secret word"),
        ("=?UTF-8?b?c2VjcmV0IHdvcmQ=?=", "secret word"),
        ("=?utf-8?B?c2VjcmV0IHdvcmQ?=", "secret word"),
        ("=?utf-8?B?c2VjcmV0IHdvcmQ", "secret word"),
        ("=?utf-8?B?c2Vjc mV0?=", "secret"),
        ("=?utf-8?B?c2Vj?= =?utf-8?B?cmV0?=", "secret"),
        ("=?utf-8?Q?=C3?= =?utf-8?Q?=A9?=", "é"),
        ("a=?utf-8?Q?b?=c", "abc"),
        ("(=?utf-8?Q?b?=)", "(b)"),
        ("=?utf-8*en?Q?b?=", "b"),
        ("=?utf-7?Q?sec+AHI-et?=", "secret"),
        ("=?utf-16be?B?AHMAZQ==?=", "se"),
        ("=?x-none?Q?b?=", "b"),
        ("=?iso-8859-1?Q?=E9?=", "é"),
        ("=?utf-8?B?aGVs\u{0}bG8=?= \u{0}x", "hello x"),
        ("=?", "=?"), ("=?a?", "=?a?"), ("=??=", "=??="), ("=?a?b?", ""), ("", ""),
    ])
    func `encoded words are decoded, also broken ones`(line: String, text: String) {
        _ = Library()
        let decoded = HeaderText.decoded(Array(line.utf8))
        #expect(String(decoding: decoded, as: UTF8.self) == text)
    }

    @Test func `characters that nobody sees are there and not there`() {
        _ = Library()
        let readings = HeaderText.readings(Array("=?utf-8?Q?se=E2=80=8Bcret?=".utf8))
        let texts = readings.map { String(decoding: $0, as: UTF8.self) }
        #expect(texts == ["se\u{200B}cret", "secret"])
    }
}
