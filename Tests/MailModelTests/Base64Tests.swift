// Tests of Base64.
// SPDX-License-Identifier: MIT

import MailModel
import Testing

@Suite struct Base64Tests {
    private static let pairs: [([UInt8], String)] = [
        ([], ""), ([0x66], "Zg=="), ([0x66, 0x6F], "Zm8="), (Array("foo".utf8), "Zm9v"),
        (Array("foob".utf8), "Zm9vYg=="), (Array("fooba".utf8), "Zm9vYmE="),
        ([0, 0xFF, 0xFE], "AP/+"), ([0, 0], "AAA="),
    ]

    @Test(arguments: pairs)
    func `bytes and text stand for each other`(_ bytes: [UInt8], _ text: String) {
        #expect(Base64.encode(bytes) == Array(text.utf8))
        #expect(Base64.decode(Array(text.utf8)) == bytes)
    }

    @Test(arguments: [
        "Z", "Zg", "Zg=", "Zg===", "=", "==", "====", "Z===", "Zm9v Zg=", "Zg==\n", "Zm=v", "Zh==",
        "Zm9=", "ab=c", "YQ= =", "=AAA", "Zm8-", "Zm8_", "é===",
    ])
    func `anything else is not base64`(_ text: String) {
        #expect(Base64.decode(Array(text.utf8)) == nil)
    }

    @Test func `whatever is encoded is decoded`() {
        for length in 0..<200 {
            let bytes = (0..<length).map { UInt8(truncatingIfNeeded: $0 &* 37 &+ length) }
            #expect(Base64.decode(Base64.encode(bytes)) == bytes)
        }
    }
}
