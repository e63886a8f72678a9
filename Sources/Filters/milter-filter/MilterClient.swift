// MilterClient: the client as a milter is told of it.
// smfi_register, xxfi_connect.
// SPDX-License-Identifier: MIT

import MailModel
import MilterProtocol

/// Name, address and port. Mail without a client comes from this host, as Postfix has it.
struct MilterClient {
    let address: [UInt8]
    let port: UInt16
    /// The verified name, else the address in brackets.
    let name: [UInt8]
    /// What HELO had; nil where there was none.
    let helo: [UInt8]?
    private let ip: IPAddress?

    init(_ facts: Facts) {
        ip = facts.clientIP
        address = ip.map { Array("\($0)".utf8) } ?? Array("127.0.0.1".utf8)
        port = facts[.clientPort]?.decimalValue.flatMap(UInt16.init(exactly:)) ?? 0
        let local = facts.isLocal ? Array("localhost".utf8) : nil
        name = facts[.clientName] ?? local ?? [0x5B] + address + [0x5D]
        helo = facts[.helo] ?? local
    }

    /// The address in brackets.
    var literal: [UInt8] { [0x5B] + address + [0x5D] }

    var peer: MilterPeer {
        ip.map(\.isVersion4) ?? true
            ? .version4(address, port: port) : .version6(address, port: port)
    }
}
