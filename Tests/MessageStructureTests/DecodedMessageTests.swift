import Testing
import UnixIO

@testable import MessageStructure

@Suite struct DecodedMessageTests {
    private static func read(
        _ text: String, _ change: (inout StructureLimits) -> Void = { _ in }
    ) throws -> DecodedMessage {
        _ = Library()
        var limits = StructureLimits()
        change(&limits)
        return try DecodedMessage(Array(text.utf8), limits)
    }

    private static func strings(_ bytes: [[UInt8]]) -> [String] {
        bytes.map { String(decoding: $0, as: UTF8.self) }
    }

    /// A message in a message, so deep.
    private static func nested(_ depth: Int) -> String {
        String(repeating: "Content-Type: message/rfc822\n\n", count: depth)
            + "Subject: x\n\nhello\n"
    }

    private static func wide(_ parts: Int) -> String {
        "Content-Type: multipart/mixed; boundary=b\n\n"
            + String(repeating: "--b\n\nhello\n", count: parts) + "--b--\n"
    }

    @Test func `an ordinary message is read once`() throws {
        let message = try DecodedMessageTests.read(
            """
            Subject: x
            Content-Type: multipart/alternative; boundary=b

            --b
            Content-Type: text/plain; charset=utf-8

            hello
            --b
            Content-Type: text/html; charset=utf-8

            <p>hello</p>
            --b--

            """)
        let types = DecodedMessageTests.strings(message.types)
        #expect(types == ["multipart/alternative", "text/plain", "text/html"])
        #expect(message.fileNames.isEmpty)
        let texts = DecodedMessageTests.strings(try message.allTexts())
        #expect(texts == ["hello", "<p>hello</p>", "hello\n"])
    }

    @Test func `a message without a header is a text`() throws {
        let message = try DecodedMessageTests.read("\nhello\n")
        #expect(try message.allTexts().contains(Array("hello\n".utf8)))
        #expect(DecodedMessageTests.strings(message.types) == ["text/plain"])
    }

    @Test func `an empty message has nothing`() throws {
        let message = try DecodedMessageTests.read("")
        #expect(try message.types.isEmpty && message.allTexts().isEmpty)
    }

    @Test func `nesting has a limit`() throws {
        #expect(throws: Never.self) { try DecodedMessageTests.read(DecodedMessageTests.nested(40)) }
        for depth in [60, 2_000, 100_000] {
            #expect(throws: StructureError.self) {
                try DecodedMessageTests.read(DecodedMessageTests.nested(depth))
            }
        }
    }

    @Test func `the number of parts has a limit`() throws {
        #expect(throws: Never.self) { try DecodedMessageTests.read(DecodedMessageTests.wide(900)) }
        for count in [1_000, 200_000] {
            #expect(throws: StructureError.self) {
                try DecodedMessageTests.read(DecodedMessageTests.wide(count))
            }
        }
    }

    @Test func `the fields of a part have a limit`() throws {
        let part = "Content-Type: multipart/mixed; boundary=b\n\n--b\n"
        #expect(throws: StructureError.self) {
            try DecodedMessageTests.read(
                part + String(repeating: "X: y\n", count: 1_001) + "\nx\n--b--\n")
        }
        #expect(throws: StructureError.self) {
            try DecodedMessageTests.read(
                part + "X: " + String(repeating: "y", count: 1 << 20) + "\n\nx\n--b--\n")
        }
    }

    @Test func `what is decoded has a limit`() throws {
        let text = "Content-Transfer-Encoding: base64\n\n" + String(repeating: "aGVs", count: 1_000)
        #expect(throws: Never.self) {
            try DecodedMessageTests.read(text) { $0.decodedSize = 3_000 }
        }
        #expect(throws: StructureError.self) {
            try DecodedMessageTests.read(text) { $0.decodedSize = 2_999 }
        }
    }

    @Test func `a part with many types has a limit`() throws {
        #expect(throws: StructureError.self) {
            try DecodedMessageTests.read(
                (0..<9).map { "Content-Type: text/x\($0)\n" }.joined() + "\nx\n")
        }
    }

    @Test func `boundaries that cost time without end are stopped`() throws {
        let depth = (0..<40).map { "Content-Type: multipart/mixed; boundary=b\($0)\n\n--b\($0)\n" }
        #expect(throws: StructureError.self) {
            try DecodedMessageTests.read(
                depth.joined() + "\n" + String(repeating: "--\n", count: 1_000_000)
            ) { $0.deadline = .after(.milliseconds(1)) }
        }
    }
}
