// MilterFacts: what an MTA tells of a client, as facts.
// milter-chain(8), section FACTS; Postfix's MILTER_README.
// SPDX-License-Identifier: MIT

import Control
import MailModel

/// The client of a connection, as the MTA names it.
struct MilterClient {
    /// 4 or 16 bytes; nil for one that has no address.
    var address: [UInt8]?
    var port: UInt16 = 0
    /// The name by the DNS, or what stands for none: `unknown`, `[192.0.2.1]`.
    var name: [UInt8] = []
}

extension Facts {
    /// The facts of a connection.
    init(_ client: MilterClient, _ mta: some MilterMTA, relayClients: [Network], id: SessionID) {
        self.init()
        if let address = client.address.flatMap({ IPAddress(bytes: $0) }) {
            self[.clientIP] = Array("\(address)".utf8)
            if relayClients.contains(where: { $0.contains(address) }) { self[.relay] = [] }
            if client.port > 0 { self[.clientPort] = Array("\(client.port)".utf8) }
            // Sendmail gives a name also where the way back from it fails, and says so. What is not
            // verified is in no fact.
            let resolved = mta.macro("{client_resolve}")
            let isName = !client.name.isEmpty && client.name.first != 0x5B
            if isName, !client.name.elementsEqual("unknown".utf8),
                resolved == nil || resolved?.elementsEqual("OK".utf8) == true
            {
                self[.clientName] = client.name
            }
        }
        // Sendmail's {daemon_addr} is what it listens on: any address, mostly.
        let own = Facts.address(mta.macro("{if_addr}")) ?? Facts.address(mta.macro("{daemon_addr}"))
        self[.localIP] = own.map { Array("\($0)".utf8) }
        self[.localPort] = (mta.macro("{daemon_port}")).flatMap { port in
            port.decimalValue.flatMap { (1...65_535).contains($0) ? port : nil }
        }
        self[.localName] = mta.macro("j")
        self[.session] = Array(id.description.utf8)
    }

    /// What may be new since the last command.
    mutating func update(_ mta: some MilterMTA) {
        if let version = mta.macro("{tls_version}"), !version.isEmpty {
            self[.tlsVersion] = version
            self[.tlsCipher] = mta.macro("{cipher}")
        }
        if let user = mta.macro("{auth_authen}"), !user.isEmpty {
            self[.authUser] = user
            self[.relay] = self[.relay] ?? []
        }
        if let id = mta.macro("i"), !id.isEmpty, id.count <= 128,
            id.allSatisfy({ $0 > 0x20 && $0 < 0x7F })
        {
            self[.message] = id
        }
    }

    /// The protocol, as far as it can be told: ESMTP where an extension of it was used.
    func protocolName(isExtended: Bool, macro: [UInt8]?) -> [UInt8]? {
        let (tls, user) = (self[.tlsVersion] != nil, self[.authUser] != nil)
        guard tls || user || isExtended else { return macro }
        return Array("ESMTP\(tls ? "S" : "")\(user ? "A" : "")".utf8)
    }

    private static func address(_ text: [UInt8]?) -> IPAddress? {
        guard let text else { return nil }
        let isTagged = text.prefix(5).equalsIgnoringASCIICase("IPv6:".utf8)
        guard let address = IPAddress(text.dropFirst(isTagged ? 5 : 0)),
            !address.bytes.allSatisfy({ $0 == 0 })
        else { return nil }
        return address
    }
}
