// Instructions as text and as keys.
// SPDX-License-Identifier: MIT

import MailModel
import Testing

@testable import Recipients

@Suite struct InstructionTests {
    private static func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

    private static let all: [Instruction] = [
        .maildir(path: "/home/a b/Maildir"), .maildir(path: "./x", quota: "1000S,10C"),
        .mbox(path: "/home/a b/mbox"), .program(bytes("program 'a b' \u{1} | x  ")),
        .program([]), .lmtp("unix:/run/lmtp"), .drop,
    ]

    @Test(arguments: all) func `what is written is read`(_ instruction: Instruction) {
        #expect(Instruction(instruction.text) == instruction)
    }

    @Test func `an address is read as it was written`() throws {
        let forward = Instruction.forward(try Mailbox(Self.bytes("a b@y.test")))
        #expect(Instruction(forward.text) == forward)
    }

    @Test(arguments: [
        "", "dro", "maildir", "maildir x", "maildir - ", "mbox ", "lmtp ", "forward ", "other x",
    ])
    func `anything else is no instruction`(_ text: String) {
        #expect(Instruction(Self.bytes(text)) == nil)
    }

    @Test func `what is there twice has two keys, and a line before them changes neither`() {
        let twice: [Instruction] = [.mbox(path: "/x"), .drop, .mbox(path: "/x")]
        let keys = Instruction.keys(of: twice)
        #expect(Set(keys).count == 3)
        #expect(Instruction.keys(of: [.program([0x78])] + twice).dropFirst() == keys[...])
    }

    @Test func `a key does not tell of the quota, and a long one is cut`() {
        #expect(
            Instruction.maildir(path: "/x", quota: "1S").key == Instruction.maildir(path: "/x").key)
        let long = [UInt8](repeating: 0x61, count: 5000)
        let keys = Instruction.keys(of: [.program(long + [1]), .program(long + [2])])
        #expect(keys[0] != keys[1])
        #expect(keys.allSatisfy { $0.count <= DeliveryResult.maximumKey })
    }
}
