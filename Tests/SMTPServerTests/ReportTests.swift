// Tests of what steps hear of refused recipients, from a running server.
// filters.d(5), keyword report.
// SPDX-License-Identifier: MIT

import MailModel
import TestSupport
import Testing

@Suite struct ReportTests {
    private let folder: TestFolder

    init() throws { folder = try TestFolder() }

    /// A step of stage `mail` that keeps the envelopes of what it is told, and one of stage `rcpt`
    /// that refuses bob for good and carol for now.
    private func server() throws -> TestServer {
        let accept = try folder.write("accept", FilterReply(.accept).fields.frame)
        let no = Verdict.reject(EnhancedStatus(5, 1, 1), "No such mailbox")
        let reject = try folder.write("reject", FilterReply(no).fields.frame)
        let later = Verdict.defer(EnhancedStatus(4, 3, 0), "Cannot tell")
        let defers = try folder.write("defer", FilterReply(later).fields.frame)
        let hears = try folder.write(
            "hears.sh",
            """
            #!/bin/sh
            cat \(accept) >&"$FILTER_VERDICT_FD"
            [ "$FILTER_OUTCOME" ] || exit 0
            envelope=$(tr '\\0' ' ' <&3)
            echo "$FILTER_OUTCOME $FILTER_STAGE $TCPREMOTEIP $envelope" >>\(folder.file("heard"))
            """, mode: 0o700)
        let refuses = try folder.write(
            "refuses.sh",
            """
            #!/bin/sh
            exec >&"$FILTER_VERDICT_FD"
            case "$(tr '\\0' ' ' <&3)" in
            *Tbob@*) cat \(reject); exit 31 ;;
            *Tcarol@*) cat \(defers); exit 71 ;;
            esac
            cat \(accept)
            """, mode: 0o700)
        return try TestServer(steps: [
            "10-hears": "run \(hears)\nstage mail\nworkers 0\nreport failures\n",
            "20-refuses": "run \(refuses)\nstage rcpt\nworkers 0\n",
        ])
    }

    @Test func `a step hears of recipients that were refused for good, and of no others`() throws {
        let server = try server()
        let client = try server.connect()
        _ = try client.begin(
            to: [
                "alice@example.test", "bob@example.test", "carol@example.test", "x@elsewhere.test",
            ])
        #expect(try client.say("x\r\n.")?.code == 250)
        let heard = String(decoding: try folder.read("heard"), as: UTF8.self)
        #expect(
            heard == """
                refused rcpt 127.0.0.1 Fa@b.test Tbob@example.test \u{20}
                refused rcpt 127.0.0.1 Fa@b.test Tx@elsewhere.test \u{20}

                """)
    }
}
