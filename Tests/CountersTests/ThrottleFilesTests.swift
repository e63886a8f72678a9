// ThrottleFilesTests: tests that no damage in a file that throttle reads is more than an error.
// SPDX-License-Identifier: MIT

import MailModel
import TestSupport
import Testing

/// Numbers that are the same each time.
private struct Dice {
    private var state: UInt64 = 0x2545_F491_4F6C_DD1D

    mutating func roll(_ sides: Int) -> Int {
        state ^= state << 13
        state ^= state >> 7
        state ^= state << 17
        return Int(state % UInt64(sides))
    }

    /// The bytes with some of them changed, removed, doubled or cut off.
    mutating func damaged(_ bytes: [UInt8]) -> [UInt8] {
        var bytes = bytes
        for _ in 0...roll(3) where !bytes.isEmpty {
            let place = roll(bytes.count)
            switch roll(5) {
            case 0: bytes[place] = UInt8(roll(256))
            case 1: bytes.remove(at: place)
            case 2: bytes.insert(contentsOf: bytes[place...].prefix(9), at: place)
            case 3: bytes.removeLast(bytes.count - place)
            default: bytes.insert(contentsOf: Array("99999999999999999999".utf8), at: place)
            }
        }
        return bytes
    }
}

@Suite struct ThrottleFilesTests {
    private let folder: TestFolder

    init() throws { folder = try TestFolder() }

    private func code(_ arguments: [String]) throws -> Int32 {
        let result = try Tool("throttle", ["--store", folder.file("store")] + arguments).run()
        #expect(result.code == 0 || result.errors.hasPrefix("throttle: "), "\(arguments)")
        return result.code
    }

    @Test(arguments: [
        (
            "--limits",
            """
            # A comment that is long enough for some of the damage.
            except 192.0.2.0/24,user:somebody-with-a-long-name
            client/24 bytes 10M/1h/3K spamthrottle 2s 1m
            sender messages 5/1m reject a text that is long enough for some of it, too

            """
        ),
        ("--spamt", ":::60000::20:::\n[2001:db8::/32]:a:1:2:3:4:5:6:\n10.1/16::5::::::\n.\n"),
    ])
    func `a damaged file is read or refused`(option: String, text: String) throws {
        var dice = Dice()
        var codes: Set<Int32> = []
        for _ in 0..<60 {
            let file = try folder.write("file", dice.damaged(Array(text.utf8)))
            codes.insert(try code([option, file, "--show"]))
        }
        #expect(codes == [0, 55])
    }

    @Test func `a damaged log is read to its end`() throws {
        var dice = Dice()
        let lines = [
            "@400000006927234e00000000 smtp-server: event=connect session=S1 client=192.0.2.1",
            "1764172100.5 smtp-server: event=rcpt session=S1 recipient=\"a \\x41\\\"b@c\" code=550",
            "2026-11-26T15:49:12.25+01:00 smtp-server: event=message session=S1 size=3000",
            "smtp-server: event=mail session=S1 reverse-path=a@example.org code=250",
        ]
        var log: [UInt8] = []
        for number in 0..<10_000 {
            log += dice.damaged(Array(lines[number % 4].utf8)) + [0x0A]
        }
        let file = try folder.write("log", log)
        let limits = ["all", "client/24 ", "sender+recipient", "helo"].flatMap {
            ["--limit", "\($0) messages 3/1m defer", "--limit", "\($0) failures 3/1m reject"]
        }
        #expect(try code(limits + ["--limit", "all bytes 1G/1h log", "--simulate", file]) == 0)
    }
}
