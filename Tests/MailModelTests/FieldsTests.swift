// Tests of Fields, the frame format of filter-protocol(7).
// SPDX-License-Identifier: MIT

import MailModel
import Testing

struct FieldsTests {
    @Test func `the manual's example is what is on the wire`() {
        var fields = Fields()
        fields.append("verdict", "accept")
        fields.append("foo", "")
        #expect(fields.frame == Array("28:7:verdict,6:accept,3:foo,0:,,".utf8))
    }

    @Test func `any bytes come back as they were`() throws {
        var fields = Fields()
        fields.append("a", (0...255).map { UInt8($0) })
        fields.append("a", [UInt8]())
        fields.append("b", "7:verdict,6:accept,".utf8)
        #expect(try Fields(frame: fields.frame) == fields)
    }

    @Test(arguments: [0, 1, 9, 10, 99, 100, 999, 1000, 9999, 10_000, 123_456])
    func `a value of any length comes back`(length: Int) throws {
        var fields = Fields()
        fields.append("name", [UInt8](repeating: 0x78, count: length))
        #expect(try Fields(frame: fields.frame) == fields)
    }

    @Test func `a frame cut anywhere is not a frame`() {
        var fields = Fields()
        fields.append("verdict", "accept")
        fields.append("text", "hello")
        let frame = fields.frame
        for length in 0..<frame.count {
            #expect(throws: FieldsError.self) { try Fields(frame: Array(frame[..<length])) }
        }
    }

    @Test(arguments: [
        "3:1:a,,",  // a name without a value
        "6:1:a,1:,",  // the value's length points beyond the frame
        "0:,x",  // something behind the frame
        "-1:,", "a:,", ":,", "1;a,", "1:a;",
        "9999999999:a,",  // longer than any frame
    ])
    func `what is not a frame is refused`(text: String) {
        #expect(throws: FieldsError.self) { try Fields(frame: Array(text.utf8)) }
    }

    @Test func `a length is known as soon as its colon is there`() throws {
        #expect(try Fields.frameLength(startingWith: Array("12".utf8)) == nil)
        #expect(try Fields.frameLength(startingWith: Array("12:".utf8)) == 16)
        #expect(throws: FieldsError.tooLong) {
            try Fields.frameLength(startingWith: Array("101:".utf8), limit: 100)
        }
    }

    @Test func `random bytes never trap`() {
        var generator = SystemRandomNumberGenerator()
        let alphabet = Array("0123456789:,ax\0".utf8)
        for _ in 0..<20_000 {
            let bytes = (0..<Int.random(in: 0...24, using: &generator)).map { _ in
                alphabet.randomElement(using: &generator) ?? 0
            }
            _ = try? Fields(frame: bytes)
        }
    }
}
