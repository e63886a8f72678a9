// Messages for hosts that take no 8-bit text, or no long lines.
// RFC 6152, RFC 2045, RFC 2046.
// SPDX-License-Identifier: MIT

import MailModel
import TestSupport
import Testing
import UnixIO

@testable import Delivery

/// A message and what must become of it.
private struct Case: CustomTestStringConvertible, Sendable {
    let testDescription: String
    let message: String
    /// Nil where it cannot be converted.
    let expected: String?
}

private let long = String(repeating: "x", count: 999)

private let cases: [Case] = [
    Case(
        testDescription: "an 8bit text becomes quoted-printable",
        message: """
            MIME-Version: 1.0
            Content-Type: text/plain; charset=utf-8
            Content-Transfer-Encoding: 8bit

            schön = gut\u{20}
            From here

            """,
        expected: """
            MIME-Version: 1.0
            Content-Type: text/plain; charset=utf-8
            Content-Transfer-Encoding: quoted-printable

            sch=C3=B6n =3D gut=20
            From here

            """),
    Case(
        testDescription: "what says nothing of itself gets labels; its charset is not known",
        message: "Subject: x\n\nlanguage: fran\u{e7}ais and more of it",
        expected: """
            Subject: x
            MIME-Version: 1.0
            Content-Type: text/plain; charset=unknown-8bit
            Content-Transfer-Encoding: quoted-printable

            language: fran=C3=A7ais and more of it
            """),
    Case(
        testDescription: "mostly beyond ASCII is base64, with CRLF inside",
        message: "Content-Type: text/plain; charset=utf-8\n\néééé\n",
        expected: """
            Content-Type: text/plain; charset=utf-8
            MIME-Version: 1.0
            Content-Transfer-Encoding: base64

            w6nDqcOpw6kNCg==

            """),
    Case(
        testDescription: "of a multipart only the parts that need it, and its label",
        message: """
            Content-Type: multipart/mixed;
             boundary="b (1)"
            Content-Transfer-Encoding: 8BIT

            préamble
            --b (1)
            Content-Transfer-Encoding: 8bit

            only ASCII
            --b (1)

            ça va, with some more words
            --b (1)
            Content-Type: message/rfc822
            Content-Transfer-Encoding: binary

            Subject: inner
            Content-Type: multipart/alternative; boundary=i

            --i
            Content-Type: image/x-odd

            ééé
            --i--
            --b (1)--
            épilogue

            """,
        expected: """
            Content-Type: multipart/mixed;
             boundary="b (1)"
            MIME-Version: 1.0
            Content-Transfer-Encoding: 7bit

            pr??amble
            --b (1)
            Content-Transfer-Encoding: 7bit

            only ASCII
            --b (1)
            Content-Type: text/plain; charset=unknown-8bit
            Content-Transfer-Encoding: quoted-printable

            =C3=A7a va, with some more words
            --b (1)
            Content-Type: message/rfc822
            Content-Transfer-Encoding: 7bit

            Subject: inner
            Content-Type: multipart/alternative; boundary=i

            --i
            Content-Type: image/x-odd
            Content-Transfer-Encoding: base64

            w6nDqcOp
            --i--
            --b (1)--
            ??pilogue

            """),
    Case(
        testDescription: "what is signed stays whole, or is not sent",
        message: """
            Content-Type: multipart/signed; boundary=s

            --s

            é
            --s--

            """,
        expected: nil),
    Case(
        testDescription: "a signed part beside one that is encoded keeps every byte",
        message: """
            Content-Type: multipart/mixed; boundary=m

            --m
            Content-Type: multipart/signed; boundary=s

            --s
            Content-Transfer-Encoding: 8bit

            \(long)
            --s--
            --m

            é and so on
            --m--

            """,
        expected: """
            Content-Type: multipart/mixed; boundary=m

            --m
            Content-Type: multipart/signed; boundary=s

            --s
            Content-Transfer-Encoding: 8bit

            \(long)
            --s--
            --m
            Content-Type: text/plain; charset=unknown-8bit
            Content-Transfer-Encoding: quoted-printable

            =C3=A9 and so on
            --m--

            """),
    Case(
        testDescription: "what is encoded already is not encoded again",
        message: "Content-Transfer-Encoding: base64\n\né\n", expected: nil),
    Case(
        testDescription: "a part of a message is not encoded",
        message: "Content-Type: message/partial; id=x\n\né\n", expected: nil),
    Case(
        testDescription: "a multipart without a boundary is not understood",
        message: "Content-Type: multipart/mixed\n\né\n", expected: nil),
]

@Suite struct MessageConversionTests {
    private func convert(
        _ text: String, isSevenBit: Bool = true
    ) throws(ConversionError) -> (bytes: [UInt8], wireLength: Int)? {
        guard let stored = try? StoredMessage(text),
            let request = try? stored.request(["b@y.test"], domain: "y.test")
        else { return nil }
        let reader = MessageReader(request, stored.file.borrowed)
        let conversion = try MessageConversion(reader, isSevenBit: isSevenBit)
        var source = conversion.source(reader)
        var output: [UInt8] = []
        while let piece = try? source.next() { output += piece }
        return (output, conversion.wireLength)
    }

    @Test(arguments: cases)
    fileprivate func `a message becomes what a 7-bit host takes`(_ row: Case) throws {
        guard let expected = row.expected else {
            #expect(throws: ConversionError.impossible) { try convert(row.message) }
            return
        }
        let result = try #require(try convert(row.message))
        #expect(String(decoding: result.bytes, as: UTF8.self) == expected)
        let lines = expected.utf8.count { $0 == 0x0A }
        let end = expected.hasSuffix("\n") ? 0 : 2
        #expect(result.wireLength == expected.utf8.count + lines + end)
    }

    @Test(arguments: [1, 2, 3, 7, 4095, 4096, 4097])
    func `the pieces make no difference`(_ size: Int) throws {
        for row in cases {
            guard let expected = row.expected else { continue }
            var forms: [BodyForm] = []
            for isFirst in [true, false] {
                var walk = MIMEWalk(forms, isSevenBit: !isFirst)
                var output: [UInt8] = []
                let bytes = Array(row.message.utf8)
                for start in stride(from: 0, to: bytes.count, by: size) {
                    walk.take(Array(bytes[start..<min(bytes.count, start + size)]), into: &output)
                }
                walk.finish(into: &output)
                if isFirst {
                    #expect(output == bytes, "a walk that encodes nothing changes nothing")
                    forms = try walk.texts.map {
                        try MessageConversion.form(of: $0, isSevenBit: true)
                    }
                } else {
                    #expect(String(decoding: output, as: UTF8.self) == expected)
                }
            }
        }
    }

    @Test func `a long line is encoded for everybody, and nothing else is`() throws {
        let text = "Content-Transfer-Encoding: 8bit\n\né\n\(long)\n"
        let result = try #require(try convert(text, isSevenBit: false))
        let lines = result.bytes.split(separator: 0x0A)
        #expect(lines.allSatisfy { $0.count <= 76 })
        #expect(lines.contains { $0.elementsEqual("=C3=A9".utf8) })
        let signed = "Content-Type: multipart/signed; boundary=s\n\n--s\n\n\(long)\n--s--\n"
        #expect(try convert(signed, isSevenBit: false)?.bytes == Array(signed.utf8))
    }

    @Test func `a million boundaries, levels or header bytes are too much, and harmless`() throws {
        let head = "Content-Type: multipart/mixed; boundary=b\n\n"
        let many = head + String(repeating: "--b\n\n", count: 100_000) + "é\n"
        #expect(throws: ConversionError.impossible) { try convert(many) }
        let deep = (0..<1000).map {
            "Content-Type: multipart/mixed; boundary=b\($0)\n\n--b\($0)\n"
        }.joined()
        #expect(throws: ConversionError.impossible) { try convert(deep + "\né\n") }
        let wide = "Subject: " + String(repeating: "é", count: 1_000_000) + "\n\né\n"
        #expect(throws: ConversionError.impossible) { try convert(wide) }
        #expect(try convert(wide, isSevenBit: false)?.bytes == Array(wide.utf8))
    }

    @Test(arguments: 0..<200)
    func `quoted-printable of any bytes has short lines and gives them back`(_ seed: Int) throws {
        var random = SeededRandom(UInt64(seed))
        let alphabet: [UInt8] = [0x20, 0x09, 0x0A, 0x3D, 0x41, 0x2E, 0xC3, 0xFF, 0x00, 0x7F]
        let bytes = (0..<Int.random(in: 0...600, using: &random)).map { _ in
            alphabet.randomElement(using: &random) ?? 0
        }
        for form in [BodyForm.quotedPrintable, .base64] {
            var encoder = BodyEncoder(form)
            var output: [UInt8] = []
            var rest = bytes[...]
            while !rest.isEmpty {
                let piece = rest.prefix(Int.random(in: 1...50, using: &random))
                encoder.take(piece, into: &output)
                rest = rest.dropFirst(piece.count)
            }
            encoder.finish(beforeBoundary: false, into: &output)
            #expect(output.split(separator: 0x0A).allSatisfy { $0.count <= 76 })
            #expect(output.allSatisfy { $0 < 0x7F && ($0 >= 0x20 || $0 == 0x0A || $0 == 0x09) })
            #expect(decode(output, form) == bytes)
        }
    }

    private func decode(_ text: [UInt8], _ form: BodyForm) -> [UInt8]? {
        guard form == .quotedPrintable else {
            let all = Base64.decode(text.filter { $0 != 0x0A })
            return all.map { bytes in
                bytes.enumerated().filter { index, byte in
                    !(byte == 0x0D && bytes[index...].dropFirst().first == 0x0A)
                }.map(\.element)
            }
        }
        var output: [UInt8] = []
        var rest = text[...]
        while let byte = rest.popFirst() {
            guard byte == 0x3D else {
                output.append(byte)
                continue
            }
            if rest.first == 0x0A {
                rest.removeFirst()
            } else {
                output.append(
                    UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16) ?? 0)
                rest = rest.dropFirst(2)
            }
        }
        return output
    }
}
