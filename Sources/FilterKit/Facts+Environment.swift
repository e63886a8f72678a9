// Facts+Environment: what the environment of UCSPI and of the qmail patches says of a client.
// tcp-environ(5); filter-protocol(7), section FACTS.
// SPDX-License-Identifier: MIT

import MailModel
import UnixIO

extension Facts {
    /// The variables and the facts they are; facts without one are `FILTER_FACT_` and their name. A variable that is set but empty is no fact, but
    /// for `RELAYCLIENT`, where empty is the usual value.
    static let variables: [(variable: String, fact: FactName)] = [
        ("TCPREMOTEIP", .clientIP), ("TCPREMOTEPORT", .clientPort),
        ("TCPREMOTEHOST", .clientName), ("TCPREMOTEINFO", .clientInfo),
        ("TCPLOCALIP", .localIP), ("TCPLOCALPORT", .localPort), ("TCPLOCALHOST", .localName),
        ("SMTPHELOHOST", .helo), ("SMTPAUTHUSER", .authUser), ("SSL_PROTOCOL", .tlsVersion),
        ("SSL_CIPHER", .tlsCipher), ("RELAYCLIENT", .relay),
        ("FILTER_FACT_PROTOCOL", .protocolName), ("FILTER_FACT_SESSION", .session),
        ("FILTER_FACT_MESSAGE", .message), ("FILTER_FACT_BODY_TYPE", .bodyType),
        ("FILTER_FACT_DECLARED_SIZE", .declaredSize),
    ]

    /// Fills in what is not known yet from the environment.
    mutating func addEnvironment() {
        for (variable, fact) in Facts.variables where self[fact] == nil {
            guard let value = Environment.bytes(variable) else { continue }
            if !value.isEmpty || fact == .relay { self[fact] = value }
        }
    }

    /// Takes the HELO name from the topmost Received field, and only when that field's address
    /// is the client's: notqmail hands over no HELO otherwise. No other fact comes from a
    /// message, since anybody may have written it.
    mutating func addHelo(from message: MessageView) throws(FilterError) {
        guard self[.helo] == nil, let client = clientIP, !message.isEmpty else { return }
        let header = try message.header(limit: 16_384)
        guard let received = header.fields.first(where: { $0.isNamed("Received") }),
            let trace = QmailReceived(received.value), trace.address == client
        else { return }
        self[.helo] = trace.helo
    }
}

/// What qmail-smtpd writes: `from NAME (HELO HELO) (INFO@ADDRESS) by ...`. It leaves the HELO part
/// out when it is the client's name. Source: notqmail received.c.
struct QmailReceived {
    let helo: [UInt8]
    let address: IPAddress

    /// Reads the value of a Received field; nil for any other form.
    init?(_ value: [UInt8]) {
        var words = value.split(whereSeparator: \.isBlank)[...]
        guard words.popFirst()?.elementsEqual("from".utf8) == true, var name = words.popFirst()
        else { return nil }
        if words.first?.elementsEqual("(HELO".utf8) == true {
            words.removeFirst()
            guard let helo = words.popFirst(), helo.last == 0x29 else { return nil }
            name = helo.dropLast()
        }
        guard let origin = words.first, origin.first == 0x28, origin.last == 0x29,
            origin.count > 2
        else { return nil }
        let inner = origin.dropFirst().dropLast()
        let start = inner.lastIndex(of: 0x40).map { $0 + 1 } ?? inner.startIndex
        guard let address = IPAddress(inner[start...]) else { return nil }
        helo = Array(name)
        self.address = address
    }
}
