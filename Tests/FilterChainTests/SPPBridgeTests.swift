// Tests of plugins of qmail-spp as steps at their stages.
// spp-bridge(8).
// SPDX-License-Identifier: MIT

import MailModel
import TestSupport
import Testing
import UnixIO

@Suite struct SPPBridgeTests {
    private let root: ChainFolder

    init() throws { root = try ChainFolder() }

    /// Steps at all stages with the plugins of one file, and their service.
    private func serve(_ plugins: String) throws -> Service {
        let file = try root.folder.write("smtpplugins", plugins)
        for (number, stage) in ["connect", "helo", "mail", "rcpt", "data"].enumerated() {
            try root.step(
                "\(number + 1)0-spp",
                "run spp-bridge --file \(file) --folder \(root.folder.path)\nstage \(stage)\n"
                    + "workers 1 1\n")
        }
        return try Service(
            Tool("filter-chain", ["--serve", "--root", root.folder.path]),
            log: root.folder.file("log"))
    }

    private func judged(_ helo: String = "c.a.test") throws -> ChainFolder.Handed {
        try root.queued(environment: ["TCPREMOTEIP": "192.0.2.1", "SMTPHELOHOST": helo])
    }

    @Test func `each plugin runs at its stage, with what is known then`() throws {
        let seen = root.folder.file("seen")
        let say = "echo \"$0 $TCPREMOTEIP $SMTPHELOHOST $SMTPMAILFROM $SMTPRCPTTO\" >>\(seen)"
        let tool = try root.folder.write("plugins/see", "#!/bin/sh\n\(say)\n", mode: 0o755)
        _ = tool
        let sections = ["connection", "helo", "mail", "rcpt", "data"].map {
            "[\($0)]\nplugins/see\n"
        }
        let service = try serve(sections.joined())
        #expect(try judged().code == 0)
        let path = root.folder.file("plugins/see")
        #expect(
            root.text("seen") == """
                \(path) 192.0.2.1 c.a.test  \n\
                \(path) 192.0.2.1 c.a.test  \n\
                \(path) 192.0.2.1 c.a.test a@b.test \n\
                \(path) 192.0.2.1 c.a.test a@b.test c@d.test
                \(path) 192.0.2.1 c.a.test a@b.test e@f.test
                \(path) 192.0.2.1 c.a.test a@b.test \n
                """)
        try service.stop()
    }

    @Test func `what a plugin says of later stages holds there`() throws {
        let service = try serve(
            """
            [helo]
            :case "$SMTPHELOHOST" in later) echo LR550 5.7.0 no recipient;; off) echo A;; esac
            :echo SCLASS=$SMTPHELOHOST
            [mail]
            :[ "$CLASS" != refused ] || echo 'E550 5.7.2 class'
            [rcpt]
            :[ "$CLASS" != second ] || [ $SMTPRCPTCOUNTALL != 2 ] || echo 'E550 5.7.3 second'
            [data]
            :echo HX-Class: $CLASS
            """)
        #expect(try judged("later").errors.contains("550 5.7.0 c@d.test: no recipient"))
        #expect(try judged("refused").errors.contains("550 5.7.2 class"))
        #expect(try judged("second").errors.contains("550 5.7.3 e@f.test: second"))
        #expect(try judged("good").message == "X-Class: good\n" + ChainFolder.message)
        #expect(try judged("off").message == ChainFolder.message)
        try service.stop()
    }

    @Test func `a plugin that changes a recipient changes that one`() throws {
        let service = try serve(
            "[rcpt]\n:[ $SMTPRCPTTO != c@d.test ] || echo Cnew@d.test\n[mail]\n:echo Clist@b.test\n"
        )
        let handed = try judged()
        #expect(handed.envelope == "Flist@b.test\0Te@f.test\0Tnew@d.test\0\0")
        try service.stop()
    }

    @Test func `a plugin's children and a plugin that hangs hold up nobody`() throws {
        let service = try serve("[mail]\n:sleep 600 & echo 'E550 5.7.4 at once'\n")
        #expect(try judged().errors.contains("550 5.7.4 at once"))
        try service.stop()
    }
}
