// Damage: messages that are broken in every way that we know of, the same in every run.
// SPDX-License-Identifier: MIT

import TestSupport

/// Makes damaged messages and addresses.
struct Damage {
    /// The size that a message is cut to; nil: as large as the damage makes it, up to a few
    /// megabytes.
    let limit: Int?
    var random: SeededRandom

    init(seed: Int, limit: Int? = nil) {
        self.limit = limit
        random = SeededRandom(UInt64(bitPattern: Int64(seed)) &+ 1)
    }

    /// A message: one that is whole, then one to three kinds of damage.
    mutating func message() -> [UInt8] {
        var message = random.pick(Damage.wholes)
        for _ in 0...random.below(3) { damage(&message) }
        if let limit, message.count > limit { message = Array(message[..<limit]) }
        return message
    }

    /// Something to put in the place of a local part.
    mutating func localPart() -> [UInt8] {
        switch random.below(8) {
        case 0: random.bytes(1 + random.below(20)).filter { ![0, 0x0A, 0x0D, 0x40].contains($0) }
        case 1: [UInt8](repeating: 0x61, count: 1 + random.below(900))
        case 2: Array("\"a b\\\" <c>\"".utf8)
        case 3: Array("a\u{1}\u{7F}\t\u{1B}[0m".utf8)
        case 4: Array("a@b@c".utf8)
        case 5: Array("$(id)`id`;|&../../x%00%s%n".utf8)
        case 6: Array("\u{E9}\u{202E}\u{0}x".utf8).filter { $0 != 0 }
        default: Array("-a.b+c_d.default".utf8)
        }
    }

    // MARK: What is damaged

    private static let wholes: [[UInt8]] = [
        "Subject: plain\nFrom: a@example.org\nTo: b@example.test\n\nHello.\n",
        """
        From: =?utf-8?q?J=C3=BCrgen?= <a@example.org>
        Subject: =?utf-8?b?w6TDtsO8?= =?iso-8859-1?q?=E4?=
        MIME-Version: 1.0
        Content-Type: multipart/mixed; boundary="b1"

        preamble
        --b1
        Content-Type: text/plain; charset=utf-8
        Content-Transfer-Encoding: quoted-printable

        A line that is soft=
        ly broken, =C3=BC.
        --b1
        Content-Type: application/octet-stream; name="x.bin"
        Content-Disposition: attachment; filename*=utf-8''x%2Ebin
        Content-Transfer-Encoding: base64

        VGhpcyBpcyBub3RoaW5nIGF0IGFsbC4gVGhpcyBpcyBub3RoaW5nIGF0IGFsbC4=
        --b1--
        epilogue

        """,
        """
        Received: from x ([192.0.2.1]) by y; Mon, 1 Jan 2024 00:00:00 +0000
        Content-Type: multipart/alternative; boundary=b2

        --b2
        Content-Type: text/html; charset=windows-1252

        <html><body><!-- c --><a href="http://x.test/?a=1&amp;b=2">x</a></body></html>
        --b2
        Content-Type: message/rfc822

        Subject: inner
        Content-Type: multipart/digest; boundary=b3

        --b3

        Subject: innermost

        text
        --b3--
        --b2--

        """,
        """
        Subject: archive
        Content-Type: application/zip; name=a.zip
        Content-Transfer-Encoding: base64

        UEsDBBQAAAAAAAAAIQAAAAAAAAAAAAAAAAABAAAAYVBLAQIUABQAAAAAAAAAIQAAAAAAAAAAAAAA
        AAABAAAAAAAAAAAAAAAAAAAAAABhUEsFBgAAAAABAAEALwAAAB8AAAAAAA==

        """,
    ].map { Array($0.utf8) }

    private mutating func damage(_ message: inout [UInt8]) {
        // What makes a message large is rare.
        switch random.below(120) {
        case 0..<14: message = Array(message[..<place(message)])
        case 14..<28: overwrite(&message)
        case 28..<32: message = random.bytes(random.below(2_000))
        case 32..<40: insert([UInt8](repeating: 0, count: 1 + random.below(9)), &message)
        case 40..<50: insert(random.bytes(1 + random.below(40)), &message)
        case 50..<60: message = lineEnds(message)
        case 60..<100: insertLine(random.pick(Damage.lines), &message)
        case 100..<106: message.removeSubrange(place(message)...)
        case 106..<110: insert(nested(3 + random.below(60)), &message)
        case 110..<113: insert(fields(random.below(300)), &message)
        case 113..<115: message += message + message
        case 115: insertLine(long(random.below(100_000)), &message)
        case 116: insert(nested(300 + random.below(700)), &message)
        case 117: insert(fields(3_000), &message)
        case 118 where random.below(6) == 0: insert(long(1 << 20), &message)
        default: message = random.below(4) == 0 ? [] : message.reversed()
        }
    }

    private mutating func place(_ message: [UInt8]) -> Int { random.below(message.count + 1) }

    private mutating func overwrite(_ message: inout [UInt8]) {
        for _ in 0...random.below(30) where !message.isEmpty {
            message[random.below(message.count)] = UInt8(random.below(256))
        }
    }

    private mutating func insert(_ bytes: [UInt8], _ message: inout [UInt8]) {
        message.insert(contentsOf: bytes, at: place(message))
    }

    /// Inserts a line where one begins.
    private mutating func insertLine(_ line: [UInt8], _ message: inout [UInt8]) {
        let from = place(message)
        let start = message[from...].firstIndex(of: 0x0A).map { $0 + 1 } ?? 0
        message.insert(contentsOf: line + [0x0A], at: start)
    }

    /// Line ends of every kind by turns.
    private mutating func lineEnds(_ message: [UInt8]) -> [UInt8] {
        let ends: [[UInt8]] = [[0x0D, 0x0A], [0x0D], [0x0A], [0x0D, 0x0D, 0x0A], [0x0A, 0x0D]]
        let end = random.below(2) == 0 ? random.pick(ends) : nil
        var result: [UInt8] = []
        for byte in message { result += byte == 0x0A ? end ?? random.pick(ends) : [byte] }
        return result
    }

    private mutating func long(_ count: Int) -> [UInt8] {
        let byte = random.pick(Array("a =(\"<\\;,@".utf8))
        return Array("X-Long: ".utf8) + [UInt8](repeating: byte, count: count)
    }

    private mutating func fields(_ count: Int) -> [UInt8] {
        let field = random.pick(["X-Many: x\n", "Content-Type: text/plain\n", ":\n", "x\n", " \n"])
        return (0..<count).flatMap { _ in Array(field.utf8) }
    }

    /// Parts within parts; with the same boundary everywhere, or one each.
    private mutating func nested(_ depth: Int) -> [UInt8] {
        let isSame = random.below(2) == 0
        let kind = random.pick(["multipart/mixed", "multipart/digest", "message/rfc822"])
        let text = (0..<depth).map { level in
            let name = isSame ? "b" : "b\(level)"
            return "Content-Type: \(kind); boundary=\(name)\n\n--\(name)\n"
        }
        return Array(text.joined().utf8)
    }

    private static let lines: [[UInt8]] = [
        "Content-Type: multipart/mixed; boundary=", "Content-Type: multipart/mixed; boundary=\"\"",
        "Content-Type: multipart/mixed; boundary=\"b1", "Content-Type: multipart/mixed",
        "Content-Type: multipart/mixed; boundary=b1; boundary=b2", "Content-Type:",
        "Content-Type: text/plain; charset=\"\\\"\"", "Content-Type: text/plain; charset=utf-7",
        "Content-Type: text/plain; charset=\(String(repeating: "x", count: 2_000))",
        "Content-Type: text/plain; charset=x%00y; charset*0=a; charset*2=b; charset*1*=utf-8''%",
        "Content-Type: (a (b) text/plain (", "Content-Type: message/partial; number=1; total=0",
        "Content-Type: message/external-body; access-type=local-file; name=/etc/passwd",
        "Content-Type : text/html", "content-type\t:\ttext/html", "Content-Type text/html",
        "Content-Transfer-Encoding: base64", "Content-Transfer-Encoding: x-uuencode",
        "Content-Transfer-Encoding: quoted-printable, base64", "Content-Transfer-Encoding:",
        "Content-Disposition: attachment; filename*0*=utf-8'en'%zz; filename*1=\u{202E}exe.txt",
        "Subject: =?utf-8?b?////?= =?x?q?=ZZ?= =?utf-8?b?=?= =?utf-8?q?", "Subject:",
        "=?utf-8?q?Subject?=: x", "Subject: \u{E9}\u{0}\u{1}", ": x", "", " ", "\tfolded", ".",
        "..",
        "From a@example.org Mon Jan  1 00:00:00 2024", ">From x", "--b1", "--b1--", "--b1 ", "--",
        "--b11", "--b2\t", "begin 644 x.exe", "M5&AI<R!I<R!N;W0=\u{1F}", "end", "====", "=", "=G1=",
        "AAAA=AAAA==A=", "VGhpcyBp*cyBub3RoaW5n", "\r", "a\rb\r\rc", "%{d}${x}$1\\1",
        "X: \(String(repeating: "(", count: 3_000))",
        "Received: \(String(repeating: "<", count: 999))",
    ].map { Array($0.utf8) }
}
