import Testing
import UnixIO

@testable import MessageStructure

/// A generator whose numbers are the same each time: a failure can be repeated.
private struct Numbers: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var value = state
        value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
        return value ^ (value >> 31)
    }
}

@Suite struct DamagedMessageTests {
    private static let seed = Array(
        """
        From: a@example.org
        Subject: =?utf-8?Q?h=C3=A9llo?=
        MIME-Version: 1.0
        Content-Type: multipart/mixed; boundary="=_b"

        A text in front.
        --=_b
        Content-Type: text/html; charset=iso-2022-jp; name*0*=utf-8''a%20; name*1=b.htm
        Content-Transfer-Encoding: quoted-printable

        <p style=3D"display:none">&#104;ello &amp; <!-- x --> world</p>=
        =1B$B$3$s=1B(B
        --=_b
        Content-Type: message/rfc822
        Content-Transfer-Encoding: base64

        U3ViamVjdDogeAoKaGk=
        --=_b
        Content-Type: application/octet-stream; name="=?utf-8?B?YS5leGU=?="
        Content-Disposition: attachment; filename="a.exe"
        Content-Transfer-Encoding: base64

        TVqQAAMAAAAEAAAA//8AALgAAAAAAAAAQAAAAAAAAAA=
        begin 644 b.exe
        #86)C
        `
        end
        --=_b--
        """.utf8)

    /// Words that turn a message into another.
    private static let words: [[UInt8]] = [
        "\n", "\r", "\0", "\n\n", "--", "--=_b\n", "--=_b--\n", "=", "\"", "(", "\\", ";", "*", "'",
        "Content-Type: text/plain\n", "Content-Type: multipart/x; boundary=\"\n", "=?utf-8?B?",
        "?=", "charset=utf-7;", "begin 644 x\n", "<!--", "<script>", "&#", "\u{202E}", "%00",
    ].map { Array($0.utf8) }

    private static func damaged(_ numbers: inout Numbers) -> [UInt8] {
        var message = seed
        for _ in 0..<Int.random(in: 1...8, using: &numbers) {
            let place = Int.random(in: 0..<max(message.count, 1), using: &numbers)
            let end = min(message.count, place + Int.random(in: 0...60, using: &numbers))
            switch Int.random(in: 0..<6, using: &numbers) {
            case 0: message.removeSubrange(place..<end)
            case 1: message.insert(contentsOf: message[place..<end], at: place)
            case 2:
                message.insert(contentsOf: words.randomElement(using: &numbers) ?? [], at: place)
            case 3: message.removeSubrange(place...)
            case 4: message[place..<end].reverse()
            default:
                for index in place..<end {
                    message[index] = UInt8.random(in: 0...255, using: &numbers)
                }
            }
            if message.isEmpty { message = [0x0A] }
        }
        return message
    }

    @Test(arguments: 1...4)
    func `damaged messages are read, or are over a limit`(seed: UInt64) throws {
        _ = Library()
        var numbers = Numbers(state: seed)
        var limits = StructureLimits()
        var read = 0
        for _ in 0..<250 {
            limits.deadline = .after(.seconds(10))
            let message = DamagedMessageTests.damaged(&numbers)
            do throws(StructureError) {
                read += try DecodedMessage(message, limits).allTexts().isEmpty ? 0 : 1
            } catch {
                #expect(!error.description.contains("time"))
            }
        }
        #expect(read > 200)
    }
}
