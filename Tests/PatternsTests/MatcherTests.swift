// Tests of Matcher: the same answers from machine code and from the interpreter, within limits.
// SPDX-License-Identifier: MIT

import Patterns
import Testing
import UnixIO

@Suite(.serialized)
struct MatcherTests {
    private func match(
        _ pattern: String, _ flags: PatternFlags = [], _ subject: [UInt8], jit: Bool,
        deadline: Deadline = .never
    ) throws -> Match? {
        let pattern = try Pattern(Array(pattern.utf8), flags, compilesToMachineCode: jit)
        return try Matcher().match(pattern, subject, deadline: deadline)
    }

    @Test(arguments: [false, true])
    func `groups are offsets, and those that took no part are nil`(jit: Bool) throws {
        let match = try match("(a)|(b)(c)", [], Array("xxbc".utf8), jit: jit)
        #expect(match?.ranges == [2..<4, nil, 2..<3, 3..<4])
    }

    @Test(arguments: [false, true])
    func `any byte can be matched, NUL too`(jit: Bool) throws {
        let subject: [UInt8] = [0x41, 0, 0xFF, 0x0D, 0x0A]
        #expect(try match(#"\x00\xff\r\n\z"#, [], subject, jit: jit) != nil)
        #expect(try match("B", [], subject, jit: jit) == nil)
    }

    @Test(arguments: [false, true])
    func `what goes back too often is over the limit, not unmatched`(jit: Bool) {
        let subject = [UInt8](repeating: 0x61, count: 100_000) + [0x21]
        #expect(throws: PatternError.limitExceeded("match limit exceeded")) {
            try match("(a+)+$", [], subject, jit: jit)
        }
    }

    @Test(arguments: [false, true])
    func `a deadline ends what no other limit ends`(jit: Bool) {
        // Each starting point costs a walk to the end of the subject, and there are very many.
        let subject = [UInt8](repeating: 0x61, count: 4_000_000)
        let began = ContinuousClock.now
        #expect(throws: PatternError.limitExceeded("the time limit ran out")) {
            try match(
                #"[^b]*+\z(?<=c)"#, [], subject, jit: jit, deadline: .after(.milliseconds(50)))
        }
        #expect(ContinuousClock.now - began < .seconds(120))
    }

    @Test(arguments: [false, true])
    func `matches at the seams of strides are found`(jit: Bool) throws {
        for position in [4_094, 4_095, 4_096, 4_097, 12_287, 12_288, 200_000, 299_997] {
            var subject = [UInt8](repeating: 0x2E, count: 300_000)
            subject.replaceSubrange(position..<(position + 3), with: Array("xyz".utf8))
            let found = try match("xyz", [], subject, jit: jit)
            #expect(found?.ranges == [position..<(position + 3)])
        }
    }

    @Test(arguments: [false, true])
    func `an anchor means the beginning and the end of the subject, whatever the strides`(
        jit: Bool
    ) throws {
        let subject = [UInt8](repeating: 0x61, count: 100_000)
        #expect(try match(#"\Aa"#, [], subject, jit: jit)?.ranges == [0..<1])
        #expect(try match(#"(?<=a)\Aa"#, [], subject, jit: jit) == nil)
        #expect(try match(#"\z"#, [], subject, jit: jit)?.ranges == [100_000..<100_000])
    }

    @Test(arguments: [false, true])
    func `characters are not cut at the seams of strides`(jit: Bool) throws {
        let subject = [UInt8(0x2E)] + Array(String(repeating: "é", count: 10_000).utf8)
        #expect(try match("ü", .utf8, subject, jit: jit) == nil)
        #expect(try match("É{10000}", [.utf8, .ignoresCase], subject, jit: jit) != nil)
    }

    @Test(arguments: [false, true])
    func `bytes that are not UTF-8 match nothing, and end nothing`(jit: Bool) throws {
        let subject: [UInt8] = [0xFF, 0xC3, 0x61, 0x80] + Array("né".utf8)
        #expect(try match("n.$", .utf8, subject, jit: jit)?.ranges == [4..<7])
    }

    @Test func `little stack for machine code changes no answer`() throws {
        let pattern = "^(?:(a)|b)*$"
        let subject = [UInt8](repeating: 0x61, count: 30_000)
        #expect(try match(pattern, [], subject, jit: true) != nil)
    }
}
