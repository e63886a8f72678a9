import MailModel
import MilterProtocol
import TestSupport
import Testing

@Suite struct MilterPacketTests {
    @Test func `packets come whole out of pieces of any size`() throws {
        let all = (0..<50).map { MilterPacket(0x42, [UInt8](repeating: 0x78, count: $0 * 31)) }
        let wire = all.flatMap(\.bytes)
        for size in [1, 3, 4, 5, 1000, wire.count] {
            var packets = MilterPackets()
            var found: [MilterPacket] = []
            for start in stride(from: 0, to: wire.count, by: size) {
                packets.append(wire[start..<min(start + size, wire.count)])
                while let packet = try packets.next() { found.append(packet) }
            }
            #expect(found == all)
            #expect(packets.isEmpty)
        }
    }

    @Test func `a packet without a letter is an error`() {
        var packets = MilterPackets()
        packets.append([0, 0, 0, 0])
        #expect(throws: MilterError.empty) { try packets.next() }
    }

    @Test func `a packet over the limit is refused before it came`() {
        var packets = MilterPackets(limit: 100)
        packets.append([0, 0, 0, 102, 0x63])
        #expect(throws: MilterError.tooLong(102)) { try packets.next() }
    }

    @Test func `the longest length there is needs no memory`() {
        var packets = MilterPackets()
        packets.append([255, 255, 255, 255, 0x63])
        #expect(throws: MilterError.tooLong(4_294_967_295)) { try packets.next() }
    }
}

@Suite struct MilterNegotiationTests {
    @Test func `an offer is what Postfix sends`() {
        let offer = MilterNegotiation(
            version: 6, actions: .all, steps: MilterSteps(rawValue: 0x1F_FFFF))
        #expect(
            MilterCommand.negotiate(offer).packet.bytes == [
                0, 0, 0, 13, 0x4F, 0, 0, 0, 6, 0, 0, 1, 0xFF, 0, 0x1F, 0xFF, 0xFF,
            ])
    }

    @Test func `the macros that a milter wants are read with blanks or commas`() throws {
        let data: [UInt8] =
            [0, 0, 0, 6, 0, 0, 0, 1, 0, 0, 0, 0] + [0, 0, 0, 2] + Array("i,{auth_type} {x}".utf8)
            + [0]
        let reply = try MilterReply(MilterPacket(0x4F, data))
        guard case .negotiate(let choice) = reply else { throw TestFailure("\(reply)") }
        #expect(choice.macros == [.mail: ["i", "{auth_type}", "{x}"].map { Array($0.utf8) }])
    }

    @Test(arguments: [1, 0, 7, UInt32.max])
    func `a version that nobody speaks is refused`(version: UInt32) {
        let choice = MilterNegotiation(version: version, actions: [], steps: [])
        #expect(throws: MilterError.version(version)) { try MilterNegotiation().agreed(choice) }
    }

    @Test func `the lower version counts`() throws {
        let choice = MilterNegotiation(version: 2, actions: [], steps: [])
        #expect(try MilterNegotiation().agreed(choice).version == 2)
        let old = MilterNegotiation(version: 2, actions: [], steps: [])
        let new = MilterNegotiation(version: 6, actions: [], steps: [])
        #expect(try old.agreed(new).version == 2)
    }

    @Test func `what was not offered cannot be chosen`() {
        let offer = MilterNegotiation(version: 6, actions: [.addHeader], steps: [.noBody])
        let action = MilterNegotiation(version: 6, actions: [.changeBody], steps: [])
        let step = MilterNegotiation(version: 6, actions: [], steps: [.packets1M])
        #expect(throws: MilterError.notOffered) { try offer.agreed(action) }
        #expect(throws: MilterError.notOffered) { try offer.agreed(step) }
    }

    @Test func `larger packets are as they were agreed`() {
        #expect(MilterNegotiation(steps: []).packetLimit == 65_535)
        #expect(MilterNegotiation(steps: [.packets256K]).packetLimit == 262_143)
        #expect(MilterNegotiation(steps: [.packets256K, .packets1M]).packetLimit == 1_048_575)
    }
}

private func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

/// Every command, and its data on the wire.
private let commands: [(command: MilterCommand, data: String)] = [
    (
        .connect(bytes("mx.test"), .version4(bytes("192.0.2.1"), port: 0x1234)),
        "Cmx.test\04\u{12}4192.0.2.1\0"
    ),
    (.connect(bytes("mx"), .version6(bytes("2001:db8::1"), port: 0)), "Cmx\06\0\02001:db8::1\0"),
    (.connect(bytes("mx"), .local(bytes("/run/x"))), "Cmx\0L\0\0/run/x\0"),
    (.connect(bytes("mx"), .unknown), "Cmx\0U"),
    (.helo(bytes("client")), "Hclient\0"),
    (.mail([bytes("<a@b>"), bytes("SIZE=1")]), "M<a@b>\0SIZE=1\0"),
    (.rcpt([bytes("<a@b>")]), "R<a@b>\0"),
    (.data, "T"), (.unknown(bytes("FOO bar")), "UFOO bar\0"),
    (.header(name: bytes("Subject"), value: bytes(" a\n b")), "LSubject\0 a\n b\0"),
    (.endOfHeader, "N"), (.body(bytes("x\0y\r\n")), "Bx\0y\r\n"), (.endOfBody([]), "E"),
    (.endOfBody(bytes("z")), "Ez"), (.abort, "A"), (.quit, "Q"), (.quitForAnother, "K"),
    (
        .macros(
            for: 0x4D,
            [MilterMacro(bytes("i"), bytes("1")), MilterMacro(bytes("{auth_type}"), [])]),
        "DMi\01\0{auth_type}\0\0"
    ),
]

/// Every reply, and its data on the wire.
private let replies: [(reply: MilterReply, data: String)] = [
    (.continue, "c"), (.accept, "a"), (.reject, "r"), (.tempfail, "t"), (.discard, "d"),
    (.skip, "s"), (.progress, "p"), (.connectionFailure, "f"), (.shutdown, "4"),
    (.reply(bytes("550 5.7.1 no")), "y550 5.7.1 no\0"),
    (.addHeader(name: bytes("X"), value: bytes("1\n\t2")), "hX\01\n\t2\0"),
    (.insertHeader(index: 1, name: bytes("X"), value: []), "i\0\0\0\u{1}X\0\0"),
    (.changeHeader(index: 258, name: bytes("X"), value: []), "m\0\0\u{1}\u{2}X\0\0"),
    (.changeSender(bytes("<a@b>"), parameters: []), "e<a@b>\0"),
    (.changeSender(bytes("<a@b>"), parameters: bytes("SIZE=1")), "e<a@b>\0SIZE=1\0"),
    (.addRecipient(bytes("<a@b>"), parameters: nil), "+<a@b>\0"),
    (.addRecipient(bytes("<a@b>"), parameters: bytes("NOTIFY=NEVER")), "2<a@b>\0NOTIFY=NEVER\0"),
    (.addRecipient(bytes("<a@b>"), parameters: []), "2<a@b>\0"),
    (.removeRecipient(bytes("<a@b>")), "-<a@b>\0"), (.replaceBody(bytes("a\0b")), "ba\0b"),
    (.quarantine(bytes("why")), "qwhy\0"),
]

@Suite struct MilterCommandTests {
    @Test func `every command is on the wire what libmilter reads`() {
        for (command, data) in commands {
            #expect([command.packet.code] + command.packet.data == bytes(data), "\(command)")
        }
        let codes = Set(commands.map(\.command.code)).union([.negotiate])
        #expect(codes == Set(MilterCommand.Code.allCases))
    }

    @Test func `every command is read as it was written`() throws {
        for (command, _) in commands {
            #expect(try MilterCommand(command.packet) == command)
        }
    }

    @Test(arguments: [
        "Cmx", "Cmx~", "Cmx~4", "Cmx~4~~192.0.2.1", "Cmx~Z~~x~", "Hx", "Hx~y", "M", "Mx",
        "Tx", "LX~", "LX~y~z", "DMi~", "D", "Nx", "Ax", "?", "O~~~",
    ])
    func `what has not its form is an error`(text: String) {
        // A tilde stands for NUL, which no log likes.
        let all = bytes(text).map { $0 == 0x7E ? 0 : $0 }
        #expect(throws: MilterError.self) {
            try MilterCommand(MilterPacket(all[0], Array(all.dropFirst())))
        }
    }
}

@Suite struct MilterReplyTests {
    @Test func `every reply is on the wire what libmilter writes`() {
        for (reply, data) in replies {
            #expect([reply.packet.code] + reply.packet.data == bytes(data), "\(reply)")
        }
        let codes = Set(replies.map(\.reply.code)).union([.negotiate])
        #expect(codes == Set(MilterReply.Code.allCases))
    }

    @Test func `every reply is read as it was written`() throws {
        for (reply, _) in replies { #expect(try MilterReply(reply.packet) == reply) }
    }

    @Test(arguments: [
        "cx", "ax", "y550~x", "hX~", "hX~y", "hX~y~z", "i~~~", "i~~~\u{1}X", "m", "e",
        "+", "+<a@b>", "+<a@b>~x~", "2", "-", "q~x", "l~", "?", "O~", "sx", "px", "4x",
    ])
    func `what has not its form is an error`(text: String) {
        // A tilde stands for NUL, which no log likes.
        let all = bytes(text).map { $0 == 0x7E ? 0 : $0 }
        #expect(throws: MilterError.self) {
            try MilterReply(MilterPacket(all[0], Array(all.dropFirst())))
        }
    }

    @Test func `damaged bytes are an error or something, and never a trap`() {
        var random = SeededRandom(6)
        var understood = 0
        for _ in 0..<20_000 {
            var wire = random.pick(replies).reply.packet.bytes
            wire += random.pick(commands).command.packet.bytes
            for _ in 0...random.below(4) {
                let place = random.below(wire.count)
                switch random.below(3) {
                case 0: wire[place] = UInt8(random.below(256))
                case 1: wire.remove(at: place)
                default: wire.insert(UInt8(random.below(256)), at: place)
                }
            }
            var packets = MilterPackets(limit: 4096)
            packets.append(wire)
            while let packet = try? packets.next() {
                if let reply = try? MilterReply(packet) {
                    understood += 1
                    if case .reply(let text) = reply { _ = Reply(milterText: text) }
                }
                if (try? MilterCommand(packet)) != nil { understood += 1 }
            }
        }
        #expect(understood > 1000)
    }
}
