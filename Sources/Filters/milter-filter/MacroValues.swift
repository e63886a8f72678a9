// MacroValues: what a milter is told beside the commands.
// milter-filter(8), section MACROS; smfi_getsymval.
// SPDX-License-Identifier: MIT

import FilterKit
import Glibc
import MailModel
import MilterProtocol
import UnixIO

/// The macros of one request.
struct MacroValues {
    /// What is given where the milter does not say what it wants: the names that Sendmail and
    /// Postfix give by default, and some more that milters ask for.
    private static let standard: [MilterMacroStage: [String]] = [
        .connect: [
            "j", "_", "v", "{daemon_name}", "{daemon_addr}", "{daemon_port}", "{if_name}",
            "{if_addr}", "{client_addr}", "{client_name}", "{client_port}", "{client_ptr}",
            "{client_resolve}",
        ],
        .helo: ["{tls_version}", "{cipher}", "{tls_server_name}", "{cert_fp}"],
        .mail: [
            "i", "{auth_type}", "{auth_authen}", "{auth_ssf}", "{mail_addr}", "{mail_host}", "r",
            "s", "f", "b",
        ],
        .rcpt: ["i", "{rcpt_addr}", "{rcpt_host}"],
        .data: ["i", "{nrcpts}"],
        .endOfHeader: ["i", "{daemon_name}", "{auth_type}"],
        .endOfMessage: ["i", "{msg_size}"],
    ]

    private let values: [[UInt8]: [UInt8]]
    private let wanted: [MilterMacroStage: [[UInt8]]]
    private let given: [[UInt8]]

    /// The values for a request, and the names that the milter wants.
    init(
        _ request: borrowing Request, _ settings: MilterSettings,
        wanted: [MilterMacroStage: [[UInt8]]]
    ) {
        self.wanted = wanted
        given = settings.macros.keys.sorted { $0.lexicographicallyPrecedes($1) }
        var values: [String: [UInt8]] = [:]
        values.addSession(request.facts, settings.hostName)
        values.addTransaction(request)
        var all: [[UInt8]: [UInt8]] = [:]
        for (name, value) in values where !value.contains(0) { all[Array(name.utf8)] = value }
        self.values = all.merging(settings.macros) { $1 }
    }

    /// The macros of a stage that have a value.
    func macros(_ stage: MilterMacroStage, recipient: Mailbox? = nil) -> [MilterMacro] {
        let names =
            wanted[stage]?.compactMap(MacroValues.name)
            ?? MacroValues.standard[stage, default: []].map { Array($0.utf8) }
        // What the administrator gave is there from the beginning.
        let more = stage == .connect ? given.filter { !names.contains($0) } : []
        return (names + more).compactMap { name in
            value(name, recipient).map { MilterMacro(name, $0) }
        }
    }

    private func value(_ name: [UInt8], _ recipient: Mailbox?) -> [UInt8]? {
        switch (String(decoding: name, as: UTF8.self), recipient) {
        case ("{rcpt_addr}", let recipient?): recipient.bytes
        case ("{rcpt_host}", let recipient?): recipient.domain.map(Array.init)
        case ("{rcpt_mailer}", _?): Array("esmtp".utf8)
        default: values[name]
        }
    }

    /// RFC 5322, section 3.3.
    fileprivate static func date(_ seconds: Int) -> [UInt8] {
        var time = time_t(seconds)
        var parts = tm()
        gmtime_r(&time, &parts)
        var text = [CChar](repeating: 0, count: 64)
        strftime(&text, text.count, "%a, %d %b %Y %H:%M:%S +0000", &parts)
        return text.prefix { $0 != 0 }.map(UInt8.init(bitPattern:))
    }

    /// A name with braces, as the protocol has it; nil for what is no name.
    static func name(_ name: some Collection<UInt8>) -> [UInt8]? {
        let isBraced = name.first == 0x7B && name.count > 2
        let bare = isBraced ? Array(name.dropFirst().dropLast()) : Array(name)
        guard !bare.isEmpty, bare.allSatisfy({ $0 > 0x20 && $0 < 0x7B }),
            !isBraced || Array(name).last == 0x7D
        else { return nil }
        return bare.count == 1 ? bare : [0x7B] + bare + [0x7D]
    }
}

extension [String: [UInt8]] {
    /// What is known of the client and of its session.
    fileprivate mutating func addSession(_ facts: Facts, _ hostName: [UInt8]) {
        let name = facts[.localName] ?? hostName
        self["j"] = name
        self["v"] = Array("Chainmail \(chainmailVersion)".utf8)
        let port = facts[.localPort]
        let isSubmission = [Array("587".utf8), Array("465".utf8)].contains(port)
        self["{daemon_name}"] = Array((isSubmission ? "MSA" : "MTA").utf8)
        self["{daemon_addr}"] = facts[.localIP]
        self["{daemon_port}"] = port
        self["{if_addr}"] = facts[.localIP]
        self["{if_name}"] = name
        let client = MilterClient(facts)
        let isNamed = client.name != client.literal
        self["_"] = isNamed ? client.name + [0x20] + client.literal : client.name
        self["{client_addr}"] = client.address
        self["{client_name}"] = client.name
        self["{client_port}"] = Array("\(client.port)".utf8)
        self["{client_ptr}"] = facts[.clientName]
        self["{client_resolve}"] = Array((facts[.clientName] == nil ? "FAIL" : "OK").utf8)
        self["{tls_version}"] = facts[.tlsVersion]
        self["{cipher}"] = facts[.tlsCipher]
        self["{tls_server_name}"] = facts[.tlsServerName]
        self["{cert_fp}"] = facts[.tlsPeer]
        self["r"] = facts[.protocolName]
        self["s"] = facts[.helo]
    }

    /// What is known of the transaction.
    fileprivate mutating func addTransaction(_ request: borrowing Request) {
        let facts = request.facts
        self["i"] =
            facts[.message] ?? facts[.session]
            ?? Array("\(SessionID(microseconds: WallClock.microseconds, random: Random.bits))".utf8)
        if let user = facts[.authUser] {
            // Facts do not tell how a client has shown who it is; milters ask whether there is
            // anything here.
            self["{auth_type}"] = Array("PLAIN".utf8)
            self["{auth_authen}"] = user
        }
        if let path = request.reversePath {
            self["{mail_addr}"] = path.bytes
            self["{mail_host}"] = path.mailbox?.domain.map(Array.init)
            self["{mail_mailer}"] = Array("esmtp".utf8)
            self["f"] = path.bytes
        }
        self["b"] = MacroValues.date(WallClock.seconds)
        self["{nrcpts}"] = Array("\(request.recipients.count)".utf8)
        if request.stage == .message {
            self["{msg_size}"] = Array("\(request.message.baseLength)".utf8)
        }
    }
}
