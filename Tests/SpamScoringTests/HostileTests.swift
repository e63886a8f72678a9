// Answers and messages that are broken in ways that nobody thought of, the same in every run.
// SPDX-License-Identifier: MIT

import MailModel
import SpamScoring
import TestSupport
import Testing

@Suite struct HostileTests {
    private enum Outcome: Equatable {
        case opinion(SpamOpinion)
        case error
    }

    private func read(
        _ bytes: [UInt8], _ question: some SpamQuestion, pieces: Int
    ) -> Outcome {
        let reader = question.reader()
        do throws(SpamServerError) {
            for start in stride(from: 0, to: bytes.count, by: pieces) {
                let piece = Array(bytes[start..<min(start + pieces, bytes.count)])
                if let opinion = try reader.take(piece) { return .opinion(opinion) }
            }
            return .opinion(try reader.end())
        } catch {
            return .error
        }
    }

    private func damage(_ bytes: inout [UInt8], _ random: inout SeededRandom) {
        for _ in 0...random.below(3) {
            let place = random.below(bytes.count)
            switch random.below(5) {
            case 0: bytes[place] = UInt8(truncatingIfNeeded: random.below(256))
            case 1: bytes.remove(at: place)
            case 2: bytes.insert(contentsOf: random.pick(HostileTests.words).utf8, at: place)
            case 3: bytes.insert(contentsOf: bytes[place...].prefix(random.below(40)), at: place)
            default: bytes.removeSubrange(place..<min(place + random.below(9), bytes.count))
            }
            if bytes.isEmpty { bytes = [0x0A] }
        }
    }

    private static let words = [
        "\r\n", "\n", "\r\n\r\n", "\0", "-", ".", "9999999999999999999999", "1e308", "\"",
        "\\u0000",
        "[[[[[[[[", "{\"score\":0,", "Spam: False ; 0 / 5\r\n", "Content-length: 0\r\n", "\u{FFFF}",
        "nan", "SPAMD/1.1 0 EX_OK\r\n", "HTTP/1.1 200 OK\r\n", "Transfer-Encoding: chunked\r\n",
    ]

    @Test(arguments: [false, true])
    func `no answer is more than it may be, whatever pieces it comes in`(isRspamd: Bool) throws {
        var random = SeededRandom(isRspamd ? 1 : 2)
        let more = #","messages":{"smtp_message":"no"},"milter":{"add_headers":{"X-A":"b"}}"#
        let whole =
            isRspamd
            ? Answer.rspamd("4.5", "add header", more) : Answer.spamd("4.5", tests: "A,B,C")
        for _ in 0..<4000 {
            var bytes = Array(whole.utf8)
            damage(&bytes, &random)
            let (one, many): (Outcome, Outcome)
            if isRspamd {
                let question = RspamdQuestion(path: "/", host: "h", Facts(), nil)
                one = read(bytes, question, pieces: bytes.count)
                many = read(bytes, question, pieces: 1 + random.below(9))
            } else {
                let question = SpamdQuestion(user: nil)
                one = read(bytes, question, pieces: bytes.count)
                many = read(bytes, question, pieces: 1 + random.below(9))
            }
            // What comes after a whole answer is only seen where it comes with it.
            if case .opinion = one { #expect(one == many, "\(bytes.printable)") }
            guard case .opinion(let opinion) = many else { continue }
            #expect(opinion.score.magnitude <= Score.limit)
            #expect(opinion.symbols.allSatisfy { !$0.contains { $0 == "\n" || $0 == "," } })
        }
    }

    /// Parts in random order and of random sizes, of which each that may be text begins with words
    /// that must be seen.
    @Test func `no text is hidden by what is around it`() throws {
        var random = SeededRandom(3)
        var shown = 0
        for round in 0..<60 {
            var message = "Subject: x\n\nplanted 0\n"
            let count = 1 + random.below(14)
            for index in 1...count {
                let body = String(repeating: "0123456789abcde\n", count: random.below(3000))
                let type = random.pick([
                    "image/png", "text/html", "application/zip", "message/rfc822",
                ])
                message += "--\(random.pick(["b", "c", "-", "=_x"]))\nContent-Type: \(type)\n"
                message += String(repeating: "X-Filler: yes\n", count: random.below(200))
                message += "\nplanted \(index)\n\(body)"
            }
            var scan = PartScan()
            let bytes = Array(message.utf8)
            var rest = bytes[...]
            while !rest.isEmpty {
                let piece = Array(rest.prefix(1 + random.below(100_000)))
                piece.withUnsafeBytes { scan.take($0) }
                rest = rest.dropFirst(piece.count)
            }
            guard let ranges = scan.ranges(limit: 256 << 10) else { continue }
            shown += 1
            let text = ranges.map { String(decoding: bytes[$0], as: UTF8.self) }.joined()
            #expect(text.utf8.count <= 256 << 10, "round \(round)")
            for index in 0...count {
                #expect(text.contains("planted \(index)\n"), "round \(round)")
            }
        }
        #expect(shown > 10)
    }
}
