import Glibc
import TestSupport
import Testing
import UnixIO

/// Limits of throttle as a client of the complete server meets them.
@Suite struct WaitingClientTests {
    private func server(_ steps: [String: String]) throws -> TestServer {
        let server = try TestServer()
        try server.keepSteps([])
        for (name, text) in steps { try server.step(name, text) }
        try server.start()
        return server
    }

    @Test func `who asks for too many unknown recipients is refused, known ones too`() throws {
        let throttle = """
            run     throttle --limit "client failures 2/31d reject too many unknown recipients"
            stage   rcpt
            report  failures
            workers 1 1
            """
        let server = try server([
            "10-throttle": throttle, "20-recipients": "run rcpt-validate\nstage rcpt\nworkers 1 1",
        ])
        let client = try server.connect()
        try client.say("MAIL FROM:<a@pass.test>")
        let codes = try ["alice", "nobody", "bob", "nothing", "carol"].map {
            String(try client.say("RCPT TO:<\($0)@example.test>").prefix(9))
        }
        #expect(codes == ["250 2.1.5", "550 5.1.1", "250 2.1.5", "550 5.1.1", "550 5.7.1"])
    }

    @Test func `one unknown recipient in each connection is counted as many in one are`() throws {
        let throttle = """
            run     throttle --limit "client failures 2/31d reject too many unknown recipients"
            stage   mail
            report  failures
            workers 1 1
            """
        let server = try server([
            "10-throttle": throttle, "20-recipients": "run rcpt-validate\nstage rcpt\nworkers 1 1",
        ])
        for name in ["nobody", "nothing"] {
            let client = try server.connect()
            try client.say("MAIL FROM:<a@pass.test>")
            #expect(try client.say("RCPT TO:<\(name)@example.test>").hasPrefix("550 5.1.1"))
        }
        let client = try server.connect()
        #expect(try client.say("MAIL FROM:<a@pass.test>").hasPrefix("550 5.7.1"))
    }

    @Test func `the reply to DATA comes late in every session of one network`() throws {
        let folder = try TestFolder()
        let table = try folder.write("spamt", "127.0.0.0/8:here:2000:60000:::::\n.\n")
        let server = try server([
            "10-throttle": "run throttle --spamt \(table)\nstage data\nworkers 2 2"
        ])
        let begin = WallClock.microseconds
        let clients = try (0..<2).map { _ in
            let client = try server.connect()
            try client.say("MAIL FROM:<a@pass.test>")
            try client.say("RCPT TO:<alice@example.test>")
            return client
        }
        #expect(try clients[0].say("DATA").hasPrefix("354"))
        #expect(try clients[1].say("DATA").hasPrefix("354"))
        #expect(WallClock.microseconds - begin >= 2_000_000)
        #expect(server.log.contains("event=delay"))
        // Who waited is a client like any other.
        #expect(try clients[1].say("Subject: x\r\n\r\nhello\r\n.").hasPrefix("250"))
    }
}
