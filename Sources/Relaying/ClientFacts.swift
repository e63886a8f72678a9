// What a server behind is told of a client.
// https://www.postfix.org/XFORWARD_README.html, https://www.postfix.org/XCLIENT_README.html
// SPDX-License-Identifier: MIT

public import MailModel
public import SMTPClient

extension Facts {
    /// The attributes of XFORWARD.
    public var forwarded: [ClientAttribute] {
        [
            ClientAttribute("NAME", self[.clientName]), address("ADDR", .clientIP),
            ClientAttribute("PORT", self[.clientPort]), ClientAttribute("PROTO", shortProtocol),
            ClientAttribute("HELO", self[.helo]),
            ClientAttribute("IDENT", self[.message]),
            ClientAttribute("SOURCE", Array((isLocal ? "LOCAL" : "REMOTE").utf8)),
        ]
    }

    /// The attributes of XCLIENT.
    public var claimed: [ClientAttribute] {
        [
            ClientAttribute("NAME", self[.clientName]), address("ADDR", .clientIP),
            ClientAttribute("PORT", self[.clientPort]), ClientAttribute("PROTO", shortProtocol),
            ClientAttribute("HELO", self[.helo]), ClientAttribute("LOGIN", self[.authUser]),
            address("DESTADDR", .localIP), ClientAttribute("DESTPORT", self[.localPort]),
        ]
    }

    private func address(_ name: String, _ fact: FactName) -> ClientAttribute {
        guard let address = self[fact].flatMap({ IPAddress($0) }) else {
            return ClientAttribute(name, nil)
        }
        let tag = address.isVersion4 ? "" : "IPV6:"
        return ClientAttribute(name, Array("\(tag)\(address)".utf8))
    }

    /// Both know no more than these two.
    private var shortProtocol: [UInt8]? {
        self[.protocolName].map { Array(($0 == Array("SMTP".utf8) ? "SMTP" : "ESMTP").utf8) }
    }
}
