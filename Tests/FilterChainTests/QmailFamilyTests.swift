// Tests of filter-chain in qmail-queue's place, called as each qmail calls it, in front of a
// qmail-queue.
// qmail-queue(8), filter-chain(8), filters(7).
// SPDX-License-Identifier: MIT

import Glibc
import MailModel
import TestSupport
import Testing
import UnixIO

/// A program of one of the qmails.
struct QmailCall: Sendable, CustomTestStringConvertible {
    let client: QmailClient
    let caller: QmailClient.Caller

    var testDescription: String { "\(client), \(caller.rawValue)" }

    static let all = QmailClient.all.flatMap { client in
        QmailClient.Caller.allCases.map { QmailCall(client: client, caller: $0) }
    }
}

/// filter-chain as QMAILQUEUE, and a qmail-queue behind it.
struct QmailHost {
    let root: ChainFolder
    let queue: QmailQueue

    static let message = Array("Subject: x\r\nX: \u{E9}\0\n\nhello\r\rworld\0\n.\nno end".utf8)
    static let recipients = ["bob@b.test", "carol@b.test"]

    init() throws {
        root = try ChainFolder()
        queue = try QmailQueue()
    }

    func session(
        _ call: QmailCall, environment: [String: String] = [:], others: [Int32: Int32] = [:],
        queue program: String? = nil
    ) throws -> QmailSession {
        let own = ["CHAINMAIL_ROOT": root.folder.path, "CHAINMAIL_NEXT": queue.program]
        return try QmailSession(
            call.client, call.caller, queue: try program ?? Tool.path("filter-chain"),
            folder: queue.folder.path, environment: own.merging(environment) { $1 },
            others: others)
    }

    func send(_ session: QmailSession, _ message: [UInt8] = message) throws -> String {
        try session.send(message, from: "alice@a.test", to: Self.recipients)
    }
}

@Suite struct QmailFamilyTests {
    private let host: QmailHost

    init() throws { host = try QmailHost() }

    @Test(arguments: QmailCall.all)
    func `what is accepted is queued by the same process, byte for byte`(call: QmailCall) throws {
        let session = try host.session(call)
        #expect(try host.send(session) == "")
        let queued = try host.queue.take()
        let one = try #require(queued.count == 1 ? queued.first : nil)
        #expect(one.pid == session.pid)
        #expect(one.message == QmailHost.message)
        #expect(one.sender == "alice@a.test" && one.recipients == QmailHost.recipients)
        #expect(one.received.hasPrefix("Received: (qmail \(session.pid) invoked by "))
        #expect(one.words == [host.queue.program])
        #expect(one.folder == host.queue.folder.path)
        #expect(!one.environment.contains { $0.hasPrefix("CHAINMAIL_NEXT=") })
        #expect(try session.orders() == [])
    }

    @Test(arguments: QmailCall.all)
    func `the next program has the descriptors of the client and none of ours`(
        call: QmailCall
    ) throws {
        try host.root.drop("10-a", "echo 'X-Seen: yes'; cat")
        #expect(try host.send(try host.session(call)) == "")
        var expected: Set<Int> = call.caller == .bounce ? [2, 3, 4, 5, 6] : [2]
        if let number = call.client.reasonDescriptor { expected.insert(Int(number)) }
        let queued = try #require(try host.queue.take().first)
        #expect(Set(queued.descriptors) == expected)
        #expect(queued.message == Array("X-Seen: yes\n".utf8) + QmailHost.message)
    }

    @Test(arguments: QmailCall.all)
    func `a refusal is said in the words that the client understands`(call: QmailCall) throws {
        let takesReasons = call.client.reasonDescriptor != nil
        let prefix = call.client.splitsWords ? "qq " : ""
        let verdicts: [(Verdict, String, String)] = [
            (
                .reject(EnhancedStatus(5, 7, 0), "no such mail here"),
                "Dno such mail here (#5.7.0)",
                "D\(prefix)mail server permanently rejected message (#5.3.0)"
            ),
            (
                .defer(EnhancedStatus(4, 7, 0), "later, please"), "Zlater, please (#4.7.0)",
                "Z\(prefix)mail server temporarily rejected message (#4.3.0)"
            ),
            (.discard, "", ""),
        ]
        for (verdict, reason, code) in verdicts {
            let exit = ["reject": 31, "defer": 71, "discard": 99][verdict.word] ?? 0
            try host.root.step(
                "10-a", script: "\(ChainFolder.saying(verdict)); exit \(exit)", "workers 0")
            let session = try host.session(call)
            #expect(try host.send(session) == (takesReasons ? reason : code))
            #expect(host.queue.names == [])
            #expect(try session.orders() == [])
        }
    }

    @Test(arguments: QmailCall.all)
    func `who gives up or goes away has queued nothing, and no step was asked`(
        call: QmailCall
    ) throws {
        try host.root.step("10-a", script: "touch \(host.root.folder.file("asked"))", "workers 0")
        // A message over databytes, or with too many hops: qmail_fail in its middle.
        var session = try host.session(call)
        session.put([UInt8](repeating: 0x61, count: 3000))
        session.fail()
        session.put([UInt8](repeating: 0x62, count: 3000))
        session.from(Array("alice@a.test".utf8))
        session.to(Array("bob@b.test".utf8))
        #expect(try session.close() == "Zqq read error (#4.3.0)")
        // One that dies within the message, before the envelope, and within the envelope.
        session = try host.session(call)
        session.put([UInt8](repeating: 0x61, count: 3000))
        #expect(try session.die() == .exited(54))
        session = try host.session(call)
        session.put(QmailHost.message)
        session.from([])
        #expect(try session.die() == .exited(54))
        #expect(host.queue.names == [])
        #expect(host.root.text("asked") == nil)
    }

    @Test(arguments: QmailCall.all)
    func `what a step leaves running holds up nobody`(call: QmailCall) throws {
        let pid = host.root.folder.file("pid")
        let reject = ChainFolder.saying(.reject(EnhancedStatus(5, 7, 0), "no"))
        try host.root.step(
            "10-a",
            script: "setsid sh -c 'echo $$ >\(pid).new; mv \(pid).new \(pid); exec sleep 600' &\n"
                + "until [ -e \(pid) ]; do :; done\n\(reject); exit 31", "workers 0")
        let session = try host.session(call)
        let verdict = try host.send(session)
        #expect(verdict.hasPrefix("D"))
        let left = host.root.text("pid").flatMap { pid_t($0.prefix { $0 != "\n" }) }
        let process = try #require(left)
        #expect(kill(process, 0) == 0)
        // It has the log, as every daemon of such a step would, unless it is a pipe to a client.
        #expect(kill(process, SIGKILL) == 0)
    }

    @Test(
        arguments: QmailCall.all,
        [
            (11, "address too long"), (51, "out of memory"), (53, "write error or disk full"),
            (54, "read error"), (81, "internal bug"), (1, "temporary problem"),
            (40, "permanent problem"), (66, "temporary problem"),
        ])
    func `the end of qmail-queue is what the client hears of`(
        call: QmailCall, end: (Int, String)
    ) throws {
        guard call.caller == .smtpd else { return }
        try host.queue.fail(end.0)
        #expect(try host.send(try host.session(call)).contains(end.1))
        #expect(host.queue.names == [])
    }

    @Test func `an address of 1002 bytes passes and a longer one is refused for good`() throws {
        let call = QmailCall(client: .notqmail, caller: .smtpd)
        for (length, verdict) in [(1002, ""), (1003, "Denvelope address too long (#5.1.3)")] {
            let address = String(repeating: "x", count: length - 7) + "@a.test"
            let session = try host.session(call)
            let said = try session.send(
                Array("\n".utf8), from: address, to: [address])
            #expect(said == verdict)
            #expect(try host.queue.take().map(\.sender) == (length == 1002 ? [address] : []))
        }
    }

    @Test func `softlimit -m 51200000 is enough for a chain of processes and a large message`()
        throws
    {
        try host.root.folder.write("rules", "header /nothing of it/ reject\n")
        try host.root.step(
            "10-a", "run regex-filter --rules \(host.root.folder.file("rules"))\nworkers 0\n")
        try host.root.drop("20-b", "echo 'X-Seen: yes'; cat")
        // What softlimit(8) sets with -m: data, stack and address space; locked memory is lower.
        let limits = ["d", "s", "v"].map { "ulimit -\($0) 50000 || exit 55\n" }.joined()
        let script = try host.root.folder.write(
            "limited", "#!/bin/sh\n\(limits)exec '\(try Tool.path("filter-chain"))'\n", mode: 0o700)
        let message = Array(String(repeating: "0123456789abcdef\n", count: 500_000).utf8)
        for client in QmailClient.all {
            let session = try host.session(
                QmailCall(client: client, caller: .smtpd), queue: script)
            #expect(try host.send(session, Array("\n".utf8) + message) == "")
            let queued = try #require(try host.queue.take().first)
            #expect(queued.message == Array("X-Seen: yes\n\n".utf8) + message)
            #expect(queued.pid == session.pid)
        }
    }
}
