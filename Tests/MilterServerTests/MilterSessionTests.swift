// milter-chain, asked by an MTA that keeps to nothing.
// milter-chain(8).
// SPDX-License-Identifier: MIT

import Glibc
import MailModel
import MilterProtocol
import TestSupport
import Testing
import UnixIO

/// A running milter-chain with one regex-filter.
private struct ChainService {
    let folder: TestFolder
    let service: Service

    init(_ steps: [String: String], options: [String] = []) throws {
        let folder = try TestFolder()
        self.folder = folder
        try folder.write("root/etc/control/me", "mx.y.test\n")
        try Files.makeFolders(folder.file("root/etc/filters.d"))
        for (name, text) in steps {
            let words = name.split(separator: " ")
            guard words.count == 2 else {
                try folder.write(
                    "root/etc/filters.d/\(name)", text, mode: text.hasPrefix("#!") ? 0o755 : 0o644)
                continue
            }
            let rules = try folder.write("rules/\(words[0])", text)
            try folder.write(
                "root/etc/filters.d/\(words[0])",
                "run regex-filter --rules \(rules)\nstage \(words[1])\nworkers 1 4\n")
        }
        service = try Service(
            Tool(
                "milter-chain",
                ["--root", folder.file("root"), "--listen", "127.0.0.1:0"] + options),
            log: folder.file("log"))
    }

    var port: UInt16 {
        service.ready.split(separator: ":").last.flatMap { UInt16($0) } ?? 0
    }

    func connect(_ offer: MilterNegotiation = MilterNegotiation()) throws -> RawMTA {
        try RawMTA(port: port, offer)
    }

    func stop() throws { try service.stop() }
}

extension MilterReply {
    fileprivate var text: String {
        if case .reply(let text) = self { String(decoding: text, as: UTF8.self) } else { "\(self)" }
    }
}

@Suite struct MilterSessionTests {
    private static let subject =
        "header:Subject /bad/ reject 550 5.7.1 bad\nheader:Subject /tag/ tag X-Tag: yes\n"
        + "header:Subject /clean/ remove X-Private\nbody /wicked/ reject 550 5.7.1 wicked\n"

    @Test func `an MTA of the first days is served, with a blank after each colon`() throws {
        let chain = try ChainService(["10-step message": Self.subject])
        let old = MilterNegotiation(
            version: 2, actions: MilterActions(rawValue: 0x3F), steps: MilterSteps(rawValue: 0x7F))
        let mta = try chain.connect(old)
        #expect(!mta.choice.steps.contains(.leadingSpace))
        try mta.greet()
        try mta.begin()
        let replies = try mta.message(
            [("Subject", "a tag"), ("X-Other", "1")], Array("hi\r\n".utf8))
        #expect(
            replies.contains(
                .insertHeader(index: 0, name: Array("X-Tag".utf8), value: Array("yes".utf8))))
        #expect(replies.last == .continue)
    }

    @Test func `a change that the MTA does not know makes the message wait`() throws {
        let chain = try ChainService(["10-step message": Self.subject])
        let mta = try chain.connect(
            MilterNegotiation(actions: MilterActions(rawValue: 0x2), steps: .all))
        try mta.greet()
        try mta.begin()
        let replies = try mta.message([("Subject", " a tag")], [])
        #expect(replies.last?.text.hasPrefix("451 4.3.0 ") == true, "\(replies)")
    }

    @Test func `an MTA that vanishes leaves nothing behind`() throws {
        let chain = try ChainService(["10-step message": Self.subject])
        for depth in 0..<6 {
            for _ in 0..<20 {
                let mta = try chain.connect()
                if depth > 0 { try mta.greet() }
                if depth > 1 { try mta.begin() }
                if depth > 2 { try mta.say(.header(name: [0x41], value: [0x31])) }
                if depth > 3 {
                    try mta.say(.endOfHeader)
                    try mta.say(.body([UInt8](repeating: 0x61, count: 60_000)))
                }
                if depth > 4 { try mta.send([0, 0, 0x10, 0, 0x42, 0x61]) }
            }
        }
        let mta = try chain.connect()
        try mta.greet()
        try mta.begin()
        #expect(try mta.message([("Subject", " good")], []).last == .continue)
        let worker = try #require(
            Processes.below(chain.service.process.pid).first { pid in
                Processes.commandLine(of: pid).contains("--worker --root")
            })
        #expect(eventually { Self.descriptors(of: worker) < 20 && Self.threads(of: worker) < 8 })
    }

    private static func descriptors(of pid: pid_t) -> Int {
        (try? Files.names(in: "/proc/\(pid)/fd"))?.count ?? .max
    }

    private static func threads(of pid: pid_t) -> Int {
        (try? Files.names(in: "/proc/\(pid)/task"))?.count ?? .max
    }

    @Test func `commands out of order, and of no form, harm nobody else`() throws {
        let chain = try ChainService(["10-step message": Self.subject])
        let good = try chain.connect()
        try good.greet()
        let wild: [[UInt8]] = [
            MilterCommand.endOfBody([]).packet.bytes, MilterCommand.data.packet.bytes,
            MilterCommand.mail([]).packet.bytes, MilterCommand.rcpt([]).packet.bytes,
            MilterPacket(0x4C, Array("no value".utf8)).bytes, MilterPacket(0x4C).bytes,
            MilterPacket(0x43).bytes, MilterPacket(0x43, [0x61, 0, 0x34, 1]).bytes,
            MilterPacket(0x44, [0x43, 0x6A]).bytes, MilterPacket(0xFF).bytes, [0, 0, 0, 0],
            [0xFF, 0xFF, 0xFF, 0xFF, 0x42], MilterPacket(0x4F, [1]).bytes,
            MilterCommand.abort.packet.bytes, MilterCommand.quitForAnother.packet.bytes,
        ]
        for bytes in wild {
            let mta = try chain.connect()
            try mta.send(bytes)
            let second = try chain.connect()
            try second.greet()
            try? second.send(bytes)
        }
        var random = SeededRandom(3)
        for _ in 0..<200 {
            let mta = try chain.connect()
            try? mta.send(random.bytes(1 + random.below(60)))
            try? mta.send(
                MilterPacket(random.pick(Array("ABCDEHLMNORTUK".utf8)), random.bytes(9)).bytes)
        }
        try good.begin()
        #expect(try good.message([("Subject", " good")], []).last == .continue)
    }

    @Test func `hostile names and values of fields are only what they are`() throws {
        let chain = try ChainService(["10-step message": Self.subject])
        let mta = try chain.connect()
        try mta.greet()
        try mta.begin()
        let names = ["A:B", " X", "X-Private\nX", "X-Private:", "?"]
        let hostile =
            names.map { ($0, " 1") } + [
                ("X-Private", " 1\nSubject: bad\n\nX: 1"), ("Subject", " clean, tag"),
                ("x-private", String(repeating: "y", count: 60_000)),
            ]
        let replies = try mta.message(hostile, Array("hi\r\n".utf8))
        let name = Array("X-Private".utf8)
        #expect(
            replies == [
                .changeHeader(index: 2, name: Array("x-private".utf8), value: []),
                .changeHeader(index: 1, name: name, value: []),
                .insertHeader(index: 0, name: Array("X-Tag".utf8), value: Array(" yes".utf8)),
                .continue,
            ])
        // libmilter itself ends a session for this.
        let other = try chain.connect()
        try other.greet()
        try other.begin()
        try other.say(.header(name: [], value: [0x31]))
        try mta.begin()
        let many = (1...101).map { ("X-Chainmail-\($0)", " 1") }
        #expect(try mta.message(many, []).last?.text.hasPrefix("550 5.7.1 Too many") == true)
        try mta.begin()
        let crowd = (1...800).map { ("X-\($0)", " 1") } + [("X-Private", " 2")]
        let kept = try mta.message(crowd + [("Subject", " clean")], [])
        #expect(kept.count == 2)
        #expect(
            kept.first
                == .changeHeader(index: 1, name: Array("X-Private".utf8), value: []))
    }

    @Test func `no MTA tells of the message of another`() throws {
        let chain = try ChainService(["10-step message": Self.subject])
        let all = try (0..<200).map { _ in try chain.connect() }
        for mta in all { try mta.greet() }
        for mta in all { try mta.begin() }
        for (number, mta) in all.enumerated() {
            let replies = try mta.message(
                [("Subject", number % 2 == 0 ? " bad" : " good")], Array("\(number)\r\n".utf8))
            let expected = number % 2 == 0 ? "550 5.7.1 bad" : "continue"
            #expect(replies.map(\.text) == [expected])
        }
    }

    @Test func `more sessions than there may be are put off`() throws {
        let chain = try ChainService(
            ["10-step message": Self.subject], options: ["--sessions", "2"])
        let two = [try chain.connect(), try chain.connect()]
        let third = try chain.connect()
        let reply = try third.ask(.connect(Array("x".utf8), .unknown))
        #expect(reply.text.hasPrefix("451 4.3.2 "))
        for mta in two {
            try mta.greet()
            try mta.begin()
            #expect(try mta.message([("Subject", " good")], []).last == .continue)
        }
    }

    @Test func `a message over the limit is refused, not judged in part`() throws {
        let chain = try ChainService(
            ["10-step message": Self.subject], options: ["--message-size", "100K"])
        let mta = try chain.connect()
        try mta.greet()
        try mta.begin()
        let big = [UInt8](repeating: 0x61, count: 200_000)
        let replies = try mta.message([("Subject", " good")], big)
        #expect(replies.last?.text.hasPrefix("552 5.3.4 ") == true)
        try mta.begin()
        #expect(try mta.message([("Subject", " good")], [0x61]).last == .continue)
    }

    @Test func `a step that dies puts off its message, and the next one is judged`() throws {
        let chain = try ChainService([
            "10-step": "run /bin/sh -c 'kill -9 $$'\nconvention queue\n",
            "20-step message": Self.subject,
        ])
        let mta = try chain.connect()
        try mta.greet()
        try mta.begin()
        let replies = try mta.message([("Subject", " good")], [])
        #expect(replies.last?.text.hasPrefix("451 4.3.0 ") == true, "\(replies)")
        try mta.begin()
        #expect(try mta.message([("Subject", " good")], []).last?.text.hasPrefix("451") == true)
    }

    @Test func `a delay is waited for, and no longer than it may`() throws {
        let folder = try TestFolder()
        let chain = try ChainService(
            [
                "10-step":
                    "run throttle --store \(folder.path) --limit \"all recipients 1/1h delay 5m\"\n"
                    + "stage rcpt\n"
            ], options: ["--delay-limit", "400ms"])
        let mta = try chain.connect()
        try mta.greet()
        try mta.begin()
        let begin = ContinuousClock.now
        #expect(try mta.begin().last == .continue)
        let time = ContinuousClock.now - begin
        #expect(time >= .milliseconds(390) && time < .seconds(20))
    }

    @Test func `where nobody may wait any more, what would be granted late is put off`() throws {
        let folder = try TestFolder()
        let chain = try ChainService(
            [
                "10-step":
                    "run throttle --store \(folder.path) --limit \"all recipients 1/1h delay 5m\"\n"
                    + "stage rcpt\n"
            ], options: ["--delayed-sessions", "0"])
        let mta = try chain.connect()
        try mta.greet()
        try mta.begin()
        #expect(try mta.begin().last?.text.hasPrefix("451 4.7.1 ") == true)
    }

    @Test func `a reload takes what is new, and keeps what was right`() throws {
        let chain = try ChainService(["10-step message": Self.subject])
        func last(_ subject: String) throws -> MilterReply? {
            let mta = try chain.connect()
            try mta.greet()
            try mta.begin()
            return try mta.message([("Subject", subject)], []).last
        }
        #expect(try last(" fine") == .continue)
        let step = "root/etc/filters.d/20-new"
        try chain.folder.write(step, "#!/bin/sh\nexit 31\n", mode: 0o755)
        chain.service.process.signal(SIGHUP)
        #expect(
            try eventually { try last(" fine")?.text.hasPrefix("550") == true },
            "\(chain.service.log)")
        try chain.folder.write(step, "nonsense\n", mode: 0o644)
        chain.service.process.signal(SIGHUP)
        #expect(
            try eventually {
                _ = try last(" fine")
                return chain.service.log.contains("event=not-reloaded")
            })
        #expect(try last(" bad")?.text == "550 5.7.1 bad")
    }

    @Test func `a worker that is killed is there again, at the same place`() throws {
        let chain = try ChainService(["10-step message": Self.subject])
        let worker = try #require(
            Processes.below(chain.service.process.pid).first { pid in
                Processes.commandLine(of: pid).contains("--worker --root")
            })
        kill(worker, SIGKILL)
        let mta = try chain.connect()
        try mta.greet()
        try mta.begin()
        let replies = try mta.message([("Subject", " bad")], [])
        #expect(replies.map(\.text) == ["550 5.7.1 bad"], "\(chain.service.log)")
    }

    @Test func `a session that is open ends by itself after SIGTERM`() throws {
        let chain = try ChainService(["10-step message": Self.subject])
        let mta = try chain.connect()
        try mta.greet()
        try mta.begin()
        chain.service.process.signal(SIGTERM)
        #expect(try mta.message([("Subject", " good")], []).last == .continue)
        try mta.say(.quit)
        #expect(try chain.service.process.wait(.seconds(60), "milter-chain") == .exited(0))
    }
}
