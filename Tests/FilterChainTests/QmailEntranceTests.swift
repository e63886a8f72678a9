// Tests of queue-message, and of filters in a row, called as each qmail calls its queue; and of
// programs in qmail-queue's manner as steps.
// queue-message(8), filters(7), filters.d(5).
// SPDX-License-Identifier: MIT

import Glibc
import MailModel
import TestSupport
import Testing
import UnixIO

@Suite struct QmailEntranceTests {
    private let host: QmailHost

    init() throws {
        host = try QmailHost()
        try host.root.folder.write("spool/.keep", "")
        try host.root.folder.write("run/.keep", "")
    }

    /// The files of the spool, as they are.
    private func queued() throws -> [[UInt8]] {
        let folder = host.root.folder
        return try folder.names(in: "spool/queue/new").flatMap { shard in
            try folder.names(in: "spool/queue/new/\(shard)").map {
                try folder.read("spool/queue/new/\(shard)/\($0)")
            }
        }
    }

    private func expectEntrance(_ call: QmailCall, _ count: Int, _ comment: Comment) throws {
        let program = try Tool.path("queue-message")
        #expect(try host.send(try host.session(call, queue: program)) == "", comment)
        let files = try queued()
        #expect(files.count == count, comment)
        #expect(files.allSatisfy { $0.starts(with: QmailHost.message) }, comment)
        #expect(
            files.allSatisfy { file in
                let text = String(decoding: file, as: UTF8.self)
                return text.contains("alice@a.test") && text.contains("carol@b.test")
            }, comment)
        let session = try host.session(call, queue: program)
        session.put(QmailHost.message)
        session.fail()
        session.from([])
        #expect(try session.close() == "Zqq read error (#4.3.0)", comment)
        let dead = try host.session(call, queue: program)
        dead.put(QmailHost.message)
        #expect(try dead.die() == .exited(54), comment)
        #expect(try queued().count == count, comment)
        #expect(try session.orders() + dead.orders() == [], comment)
    }

    @Test(arguments: QmailCall.all)
    func `queue-message is a qmail-queue to every qmail, with its service and without`(
        call: QmailCall
    ) throws {
        try expectEntrance(call, 1, "without the service")
        let service = try Service(
            Tool(
                "queue-message", ["--serve", "--root", host.root.folder.path, "--workers", "1-2"]),
            log: host.root.folder.file("log"))
        try expectEntrance(call, 2, "with the service")
        try service.stop()
    }

    @Test func `indimail's QMAILQUEUE of several words is filters in a row`() throws {
        try host.root.folder.write("one", "header:Subject /x/ tag X-One: 1\n")
        try host.root.folder.write("two", "header:Subject /y/ reject 550 5.7.0 no y\n")
        let filter = try Tool.path("regex-filter")
        let rules = ["one", "two"].map { "\(filter) --rules \(host.root.folder.file($0)) --" }
        let words = "\(rules.joined(separator: " ")) \(host.queue.program)"
        let call = QmailCall(client: .indimail, caller: .smtpd)
        let session = try host.session(call, queue: words)
        #expect(try host.send(session, Array("Subject: x\n\n\0\r".utf8)) == "")
        let one = try #require(try host.queue.take().first)
        #expect(one.pid == session.pid)
        #expect(one.message == Array("X-One: 1\nSubject: x\n\n\0\r".utf8))
        let refused = try host.session(call, queue: words)
        #expect(try host.send(refused, Array("Subject: y\n\n".utf8)) == "Dno y (#5.7.0)")
        let aborted = try host.session(call, queue: words)
        aborted.put(Array("Subject: x\n\n".utf8))
        #expect(try aborted.die() == .exited(54))
        #expect(host.queue.names == [])
    }

    @Test func `a step in qmail-queue's manner gets what a qmail-queue gets`() throws {
        let folder = host.root.folder
        let script = """
            cat >\(folder.file("step-message")); cat <&1 >\(folder.file("step-envelope"))
            env >\(folder.file("step-env")); read -r code <\(folder.file("code")); exit $code
            """
        try host.root.drop("10-a", "echo 'X-Seen: yes'; cat")
        try host.root.step("20-b", script: script, "convention queue")
        let call = QmailCall(client: .notqmail, caller: .smtpd)
        let verdicts: [(Int, String)] = [
            (0, ""), (31, "Dthis message is refused here (#5.7.1)"),
            (71, "Zthis message is not taken now (#4.7.1)"),
            (11, "Dan address is too long (#5.1.3)"),
            (53, "Zthis cannot be checked now, try again later (#4.3.0)"),
            (99, "Zthis cannot be checked now, try again later (#4.3.0)"),
            (1, "Zthis cannot be checked now, try again later (#4.3.0)"),
        ]
        for (code, verdict) in verdicts {
            try folder.write("code", "\(code)\n")
            #expect(try host.send(try host.session(call)) == verdict)
            let queued = try host.queue.take()
            #expect(queued.count == (code == 0 ? 1 : 0))
            #expect(
                try folder.read("step-message") == Array("X-Seen: yes\n".utf8) + QmailHost.message)
            #expect(
                host.root.text("step-envelope")
                    == "Falice@a.test\0Tbob@b.test\0Tcarol@b.test\0\0")
            #expect(host.root.text("step-env")?.contains("TCPREMOTEIP=192.0.2.1\n") == true)
        }
    }

    @Test func `filters in a row that end in true are a step in qmail-queue's manner`() throws {
        let rules = try host.root.folder.write(
            "rules", "header:Subject /y/ reject\nheader:Subject /x/ tag X-One: 1\n")
        let filter = "regex-filter --rules \(rules)"
        try host.root.step("10-a", "run \(filter) -- \(filter) -- true\nconvention queue\n")
        let call = QmailCall(client: .notqmail, caller: .smtpd)
        #expect(try host.send(try host.session(call), Array("Subject: x\n\n".utf8)) == "")
        // It judges; what it makes of the message is lost.
        #expect(try host.queue.take().map(\.message) == [Array("Subject: x\n\n".utf8)])
        #expect(
            try host.send(try host.session(call), Array("Subject: y\n\n".utf8))
                == "Dthis message is refused here (#5.7.1)")
    }
}
