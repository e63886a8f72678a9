import Testing

@testable import MessageStructure

@Suite struct TransferTests {
    private static func decoded(_ transfer: Transfer, _ text: String) -> [String] {
        _ = Library()
        return transfer.decodings(of: Array(text.utf8)[...]).map {
            String(decoding: $0, as: UTF8.self)
        }
    }

    @Test(arguments: [
        ("aGVsbG8=", "hello"), ("aGVsbG8", "hello"), ("a*G\nV!s bG8=", "hello"),
        ("aGVsbG8=aGVsbG8=", "hellohello"), ("aGVsbG8=x", "hello"), ("=", ""), ("", ""),
    ])
    func `base64 is read whatever is between`(text: String, expected: String) {
        #expect(TransferTests.decoded(.base64, text).first == expected)
    }

    @Test func `padding within base64 is read as nothing, too`() {
        #expect(TransferTests.decoded(.base64, "aGVs=bG8=").last == "hello")
    }

    @Test(arguments: [
        ("a=62c", "abc"), ("a=\nb", "ab"), ("a= \t\r\nb", "ab"), ("a=", "a"), ("=zz", "=zz"),
        ("x=3d", "x="),
    ])
    func `quoted-printable is read as far as it goes`(text: String, expected: String) {
        #expect(TransferTests.decoded(.quotedPrintable, text).first == expected)
    }

    @Test(arguments: [
        ("base64", [Transfer.base64]), (" Base64 ", [.base64]),
        ("base64 (x)", [.base64, .identity]),
        ("7bit", [.identity]), ("x", [.identity]), ("", [.identity]),
        ("quoted printable", [.quotedPrintable, .identity]), ("x-uue", [.uuencode]),
    ])
    func `the name of an encoding is read as it looks`(value: String, expected: [Transfer]) {
        #expect(Transfer.readings(of: Array(value.utf8)) == expected)
    }
}
