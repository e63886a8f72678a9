// Facts+Environment: what the environment of UCSPI and of the qmail patches says of a client.
// tcp-environ(5); filter-protocol(7).
// SPDX-License-Identifier: MIT

public import MailModel
import UnixIO

extension Facts {
    /// The variables and the facts they are; facts without one of their own are `FILTER_FACT_` and
    /// their name. A variable that is set but empty is no fact, but for `RELAYCLIENT`, where
    /// empty is the usual value.
    public static let variables: [(variable: String, fact: FactName)] = [
        ("TCPREMOTEIP", .clientIP), ("TCPREMOTEPORT", .clientPort),
        ("TCPREMOTEHOST", .clientName), ("TCPREMOTEINFO", .clientInfo),
        ("TCPLOCALIP", .localIP), ("TCPLOCALPORT", .localPort), ("TCPLOCALHOST", .localName),
        ("SMTPHELOHOST", .helo), ("SMTPAUTHUSER", .authUser), ("SSL_PROTOCOL", .tlsVersion),
        ("SSL_CIPHER", .tlsCipher), ("RELAYCLIENT", .relay),
        ("FILTER_FACT_TLS_SERVER_NAME", .tlsServerName), ("FILTER_FACT_TLS_PEER", .tlsPeer),
        ("FILTER_FACT_EARLY_TALKER", .earlyTalker), ("FILTER_FACT_PROTOCOL", .protocolName),
        ("FILTER_FACT_SESSION", .session),
        ("FILTER_FACT_MESSAGE", .message), ("FILTER_FACT_BODY_TYPE", .bodyType),
        ("FILTER_FACT_DECLARED_SIZE", .declaredSize),
    ]

    /// The variables that mark how a filter is called. Whatever is started must not inherit them:
    /// a script that calls `spf-check < message` gets the shell convention.
    public static let conventionVariables = [
        "FILTER_STAGE", "FILTER_VERDICT_FD", "FILTER_MESSAGE_FD", "FILTER_OUTCOME", "QMAILPPID",
        "NUMRCPTS",
        "QMAILUSER", "QMAILHOST", "QMAILNAME", "QMAILRCPTS", "ENVSIZE", "MSGSIZE",
    ]

    /// Fills in what is not known yet from the environment.
    public mutating func addEnvironment() {
        for (variable, fact) in Facts.variables where self[fact] == nil {
            guard let value = Environment.bytes(variable) else { continue }
            if !value.isEmpty || fact == .relay { self[fact] = value }
        }
    }

    /// The facts as `NAME=value`. A value is cut at its first NUL, which no variable can hold.
    public var environment: [[UInt8]] {
        Facts.variables.compactMap { variable, fact in
            self[fact].map { Array("\(variable)=".utf8) + $0.prefix { $0 != 0 } }
        }
    }
}
