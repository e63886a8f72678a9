// SessionFacts: what is known of a client when it connects.
// smtp-server(8); environment(7) of ucspi-tcp: tcp-environ(5).
// SPDX-License-Identifier: MIT

import Control
import MailModel
import SMTPProtocol
import UnixIO

extension ServerConfiguration {
    /// The facts of a connection between two endpoints.
    func facts(
        client: InternetEndpoint, local: InternetEndpoint?, session: SessionID
    ) -> Facts {
        var facts = facts(of: session)
        if let address = IPAddress(bytes: client.address) {
            facts[.clientIP] = Array("\(address)".utf8)
            if mayRelay(address) { facts[.relay] = [] }
        }
        facts[.clientPort] = Array("\(client.port)".utf8)
        if let local, let address = IPAddress(bytes: local.address) {
            facts[.localIP] = Array("\(address)".utf8)
            facts[.localPort] = Array("\(local.port)".utf8)
        }
        return facts
    }

    /// The facts that tcpserver and its like put into the environment. RELAYCLIENT lets the
    /// client relay, whatever `relayclients` says.
    func facts(environment: (String) -> [UInt8]?, session: SessionID) -> Facts {
        var facts = facts(of: session)
        let names: [(FactName, String)] = [
            (.clientPort, "TCPREMOTEPORT"), (.clientName, "TCPREMOTEHOST"),
            (.clientInfo, "TCPREMOTEINFO"), (.localPort, "TCPLOCALPORT"),
        ]
        for (fact, variable) in names { facts[fact] = environment(variable) }
        // `::ffff:a.b.c.d` becomes a.b.c.d.
        if let address = environment("TCPREMOTEIP").flatMap({ IPAddress($0) }) {
            facts[.clientIP] = Array("\(address)".utf8)
            if mayRelay(address) { facts[.relay] = [] }
        }
        if let address = environment("TCPLOCALIP").flatMap({ IPAddress($0) }) {
            facts[.localIP] = Array("\(address)".utf8)
        }
        if let suffix = environment("RELAYCLIENT") { facts[.relay] = suffix }
        return facts
    }

    private func facts(of session: SessionID) -> Facts {
        var facts = Facts()
        facts[.localName] = name
        facts[.session] = Array(session.description.utf8)
        return facts
    }
}
