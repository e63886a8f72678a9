// Tests of filter-chain with steps that are started for one message and do wrong.
// filter-protocol(7), section ONE MESSAGE, ONE PROCESS; qmail-qfilter(1).
// SPDX-License-Identifier: MIT

import MailModel
import TestSupport
import Testing
import UnixIO

struct BrokenStepTests {
    private let root: ChainFolder

    init() throws { root = try ChainFolder() }

    private static let accept = ChainFolder.saying(.accept)
    private static let no = ChainFolder.saying(.reject(EnhancedStatus(5, 7, 1), "Not you"))
    private static let later = ChainFolder.saying(.defer(EnhancedStatus(4, 7, 1), "Later"))
    private static let discard = ChainFolder.saying(.discard)
    private static let replacing = ChainFolder.saying(
        .accept([.replaceMessage(offset: 0, length: 1)]))

    /// A script in our convention, the exit of filter-chain, and words on descriptor 2.
    private static let verdicts: [(String, Int32, String)] = [
        ("\(accept)", 0, "accept"), ("\(no); exit 31", 31, "550 5.7.1 Not you"),
        ("\(later); exit 71", 71, "451 4.7.1 Later"), ("\(discard); exit 99", 99, "discard"),
        // Verdict and exit code disagree.
        ("\(accept); exit 77", 71, "exit 77"), ("\(accept); exit 31", 71, "accept and exit 31"),
        ("\(accept); exit 99", 71, "accept and exit 99"), ("\(no)", 71, "reject and exit 0"),
        ("\(no); exit 71", 71, "reject and exit 71"), ("\(later)", 71, "defer and exit 0"),
        ("\(discard)", 71, "discard and exit 0"), ("\(later); exit 31", 71, "defer and exit 31"),
        ("\(accept); exit 255", 71, "exit 255"),
        // It dies, before and after it said yes.
        ("kill -SEGV $$", 71, "died: signal 11"), ("\(accept); kill -SEGV $$", 71, "signal 11"),
        ("\(accept); kill -KILL $$", 71, "died: signal 9"),
        // The record is not one.
        ("exit 0", 71, "no whole record"), ("exit 31", 71, "no whole record"),
        ("printf '28:7:verdict,6:acc' >&$FILTER_VERDICT_FD", 71, "no whole record"),
        ("printf 'accept' >&$FILTER_VERDICT_FD", 71, "no whole record"),
        ("printf '0:,' >&$FILTER_VERDICT_FD", 71, "no whole record"),
        ("printf '99999999999999999999:' >&$FILTER_VERDICT_FD", 71, "no whole record"),
        ("\(accept); \(accept)", 71, "no whole record"),
        ("\(accept); printf x >&$FILTER_VERDICT_FD", 71, "no whole record"),
        ("\(replacing)", 71, "less of a message than it says"),
        // Its time is over.
        ("sleep 60", 71, "4.3.2"), ("\(accept); sleep 60", 71, "4.3.2"),
    ]

    @Test(arguments: verdicts)
    func `only a whole record and the exit code that belongs to it are a verdict`(
        _ script: String, _ code: Int32, _ words: String
    ) throws {
        try root.step("10-a", script: script, "workers 0", "timeout 500ms")
        let result = try root.byHand()
        #expect(result.code == code)
        #expect(result.errors.contains(words), "\(result.errors)")
        #expect(result.text == (code == 0 ? ChainFolder.message : ""))
    }

    private static let broken = verdicts.filter { $0.1 == 71 && !$0.0.hasSuffix("exit 71") }

    @Test(arguments: broken.map(\.0))
    func `what is not known is accept only with on-error accept`(_ script: String) throws {
        try root.step(
            "10-a", script: script, "workers 0", "timeout 500ms", "on-error accept")
        let result = try root.byHand()
        #expect(result.code == 0)
        #expect(result.errors.contains("error="), "\(result.errors)")
    }

    @Test func `a defer that a step says is no error`() throws {
        try root.step("10-a", script: "\(Self.later); exit 71", "workers 0", "on-error accept")
        #expect(try root.byHand().code == 71)
    }

    @Test func `what is observed is told and not applied, and is asked to charge nothing`() throws {
        try root.step(
            "10-a", script: "test \"$1\" = --check && \(Self.no) && exit 31", "workers 0",
            "mode observe")
        let result = try root.byHand()
        #expect(result.code == 0)
        #expect(result.errors.contains("verdict=reject reply=\"550 5.7.1 Not you\""))
        #expect(result.errors.contains("mode=observe"))
    }

    @Test func `a program that cannot be started is deferred`() throws {
        let program = try root.folder.write("program", "#!/no/such/interpreter\n", mode: 0o700)
        try root.step("10-a", "run \(program)\nworkers 0\n")
        #expect(try root.byHand().code == 71)
        try root.step("10-a", "run \(program)\nconvention qfilter\n")
        #expect(try root.byHand().code == 71)
    }

    /// A script in qmail-qfilter's convention, the exit, and the message that goes on.
    private static let qfilters: [(String, Int32, String)] = [
        ("exit 0", 0, ChainFolder.message), ("cat", 0, ChainFolder.message),
        ("sed s/world/moon/", 0, "Subject: x\n\nhello moon\n"), ("exit 31", 31, ""),
        ("sed s/world/moon/; exit 31", 31, ""), ("exit 99", 99, ""), ("exit 71", 71, ""),
        ("exit 77", 71, ""), ("exit 1", 71, ""), ("exit 32", 71, ""), ("echo x; kill $$", 71, ""),
        ("echo x; sleep 60", 71, ""), ("printf 'Fx' >&4", 71, ""), ("printf 'x' >&4", 71, ""),
        // Another queue program is not a step's to choose.
        ("printf '/bin/true\\0' >&5", 71, ""),
    ]

    @Test(arguments: qfilters)
    func `a script of qmail-qfilter's kind is run as there`(
        _ script: String, _ code: Int32, _ message: String
    ) throws {
        try root.step("10-a", script: script, "convention qfilter", "timeout 500ms")
        let result = try root.byHand()
        #expect(result.code == code, "\(result.errors)")
        #expect(result.text == message)
    }

    @Test func `such a script sees descriptors and variables as there`() throws {
        try root.drop(
            "10-a",
            """
            exec >>"\(root.folder.path)/seen"
            echo "$QMAILUSER $QMAILHOST $NUMRCPTS $MSGSIZE $ENVSIZE"
            echo "$QMAILRCPTS" | tr '\\n' ,
            tr '\\0' , <&3
            echo " $TCPREMOTEIP ${FILTER_STAGE-none} ${RELAYCLIENT-none}"
            """)
        let handed = try root.queued(environment: [
            "TCPREMOTEIP": "192.0.2.1", "FILTER_STAGE": "message", "NUMRCPTS": "77",
        ])
        #expect(handed.code == 0)
        #expect(
            root.text("seen") == """
                a b.test 2 24 31
                c@d.test,e@f.test,,Fa@b.test,Tc@d.test,Te@f.test,, 192.0.2.1 none none

                """)
    }

    @Test func `a changed envelope goes on`() throws {
        try root.drop("10-a", "printf 'Fnew@b.test\\0Tonly@d.test\\0\\0' >&4")
        let handed = try root.queued()
        #expect(handed.envelope == "Fnew@b.test\0Tonly@d.test\0\0")
        #expect(handed.message == ChainFolder.message)
    }

    private static let queues: [(String, Int32)] = [
        ("exit 0", 0), ("exit 31", 31), ("exit 11", 31), ("exit 71", 71), ("exit 53", 71),
        ("exit 99", 71), ("kill $$", 71),
    ]

    @Test(arguments: queues)
    func `a step of qmail-queue's kind answers by its exit code`(
        _ script: String, _ code: Int32
    ) throws {
        try root.step(
            "10-a", script: "cat >/dev/null; tr '\\0' , <&1 >\(root.folder.path)/seen; \(script)",
            "convention queue")
        #expect(try root.byHand().code == code)
        #expect(root.text("seen") == "Fa@b.test,Tc@d.test,Te@f.test,,")
    }

    @Test func `a step inherits no descriptor of the caller`() throws {
        let pipe = try OwnedPipe()
        let script = "ls /proc/self/fd >\(root.folder.path)/seen"
        for convention in ["chain", "qfilter"] {
            try root.step(
                "10-a", script: "\(script)\n\(convention == "chain" ? Self.accept : "exit 0")",
                "workers 0", "convention \(convention)")
            var tool = try Tool(
                "filter-chain", ["--root", root.folder.path, "--sender", "a@b.test"])
            tool.message = Array(ChainFolder.message.utf8)
            tool.descriptors = [3: 3, 4: 4, 5: 5, 6: 6, 7: 7, 8: 8].mapValues { _ in
                pipe.writing.rawValue
            }
            #expect(try tool.run().code == 0)
            let seen = Set(try #require(root.text("seen")).split(separator: "\n").map(String.init))
            // The one more is that of the folder that ls reads.
            let own = ["0", "1", "2", "3", "4", "5"]
            #expect(seen.subtracting(own).count == 1, "\(convention): \(seen)")
        }
    }

    @Test func `what a step leaves behind when its time is over is killed with it`() throws {
        let mark = root.folder.file("alive")
        try root.step(
            "10-a", script: "(sleep 1; touch \(mark)) & sleep 60", "workers 0", "timeout 100ms")
        #expect(try root.byHand().code == 71)
        #expect(!eventually(within: .milliseconds(1500)) { root.text("alive") != nil })
    }
}
