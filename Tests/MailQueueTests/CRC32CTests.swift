import Testing

@testable import MailQueue

@Suite struct CRC32CTests {
    @Test(arguments: [
        ("", 0x0000_0000), ("a", 0xC1D0_4330), ("123456789", 0xE306_9283),
        ("message digest", 0x02BD_79D0),
    ])
    func `known checksums`(text: String, checksum: UInt32) {
        #expect(CRC32C(text.utf8).value == checksum)
    }

    @Test func `32 zero bytes, from RFC 3720, B 4`() {
        #expect(CRC32C([UInt8](repeating: 0, count: 32)).value == 0x8A91_36AA)
    }

    @Test func `parts add up to the whole`() {
        var parts = CRC32C("1234".utf8)
        parts.update("56789".utf8)
        #expect(parts.value == CRC32C("123456789".utf8).value)
    }
}
