// PipeOptions: what the command line of --pipe says of a message, in the words of other mail systems.
// filter-chain(8), section In a pipe.
// SPDX-License-Identifier: MIT

import Control
import MailModel
import Relaying
import UnixIO

/// To whom a message goes that the chain accepts.
enum PipeTarget {
    /// Whoever reads descriptor 1.
    case output
    /// A server.
    case server(ServerBehind)
    /// A program that takes the command line of sendmail; more words of it are in front.
    case sendmail([String])
    /// A program that takes the message, with these arguments.
    case program([String])

    /// The one that was asked for.
    /// - Throws: `UsageError`, `ControlError`.
    init(_ options: Options, _ root: Root, _ patience: Duration) throws {
        let given = [options.has("reinject"), options.has("sendmail"), options.trailing != nil]
        guard given.filter(\.self).count <= 1 else {
            throw UsageError("--reinject, --sendmail and a program exclude each other")
        }
        let form = "HOST:PORT, where HOST is an address or localhost"
        if let endpoint = try options.read("reinject", form, ServerBehind.endpoint) {
            let name = try root.control.meOrHost()
            self = .server(ServerBehind(endpoint, as: name, patience: patience))
        } else if let text = options["sendmail"] {
            let words = text.split(separator: " ").map(String.init)
            guard !words.isEmpty else { throw UsageError("--sendmail: no program") }
            self = .sendmail(words)
        } else if let words = options.trailing {
            guard !words.isEmpty else { throw UsageError("no program follows --") }
            self = .program(words)
        } else {
            self = .output
        }
    }

    /// True when the message goes to addresses of the envelope.
    var needsRecipients: Bool {
        switch self {
        case .server, .sendmail: true
        case .output, .program: false
        }
    }
}

extension Facts {
    /// What options say in the words of Postfix and Exim, then what the environment says.
    /// - Throws: `UsageError`, `ControlError`.
    init(piped options: Options, _ control: ControlFolder) throws {
        self.init()
        for name in [FactName.clientIP, .clientName, .helo, .authUser, .localIP] {
            guard let value = options.bytes(name.rawValue), !value.isEmpty,
                !value.equalsIgnoringASCIICase("unknown".utf8)
            else { continue }
            guard name == .clientIP || name == .localIP else {
                self[name] = value
                continue
            }
            let isTagged = value.prefix(5).equalsIgnoringASCIICase("IPv6:".utf8)
            guard let address = IPAddress(value.dropFirst(isTagged ? 5 : 0)) else {
                throw UsageError("--\(name.rawValue) \(value.printable): not an address")
            }
            self[name] = Array("\(address)".utf8)
        }
        addEnvironment()
        guard self[.relay] == nil else { return }
        // As in a session of ours: who has logged in may relay.
        let relayClients = try control.relayClients()
        let mayRelay = clientIP.map { client in relayClients.contains { $0.contains(client) } }
        if self[.authUser] != nil || mayRelay == true { self[.relay] = [] }
    }
}

extension Envelope {
    /// The envelope of the options, else of the variables that Exim, Postfix and qmail set; where both
    /// name no sender, the line `From ` of the message does.
    /// - Throws: `Failure` for what is no address.
    init(piped options: Options, fromLine: [UInt8]?) throws {
        let sender = options.bytes("sender") ?? Environment.bytes("SENDER") ?? fromLine
        do {
            self.init(reversePath: try Envelope.reversePath(sender ?? []))
            for recipient in Envelope.recipients(piped: options) where !recipient.isEmpty {
                append(try Mailbox(recipient))
            }
        } catch {
            throw Failure(.addressTooLong, "an address of the envelope is too long or not one")
        }
        self = withOptionsOfEnvironment
    }

    /// The recipients of the options, else that of the environment.
    static func recipients(piped options: Options) -> [[UInt8]] {
        guard !options.has("recipient") else { return options.allBytes("recipient") }
        return Environment.bytes("RECIPIENT").map { [$0] } ?? []
    }

    /// Nobody is also `<>`, and the name that stands for him where an empty word cannot be.
    private static func reversePath(_ text: [UInt8]) throws(MailboxError) -> ReversePath {
        let isNobody =
            text.elementsEqual("<>".utf8)
            || text.equalsIgnoringASCIICase("MAILER-DAEMON".utf8)
        return isNobody ? .null : try ReversePath(text)
    }
}
