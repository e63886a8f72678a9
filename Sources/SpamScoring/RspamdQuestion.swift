// RspamdQuestion: how rspamd is asked.
// https://docs.rspamd.com/developers/protocol: POST /checkv2.
// SPDX-License-Identifier: MIT

import HTTP
import JSONText
public import MailModel

/// One request of HTTP/1.1, with what is known of client and envelope as its fields.
public struct RspamdQuestion: SpamQuestion {
    /// rspamd takes a header of 80 KiB; so much of it may be recipients, the first ones.
    private static let recipientLimit = 49_152
    /// As much of any other fact is told.
    private static let factLimit = 1024

    private let path: String
    private let host: String
    private var fields: [(name: String, value: [UInt8])] = []

    /// A question about a message of this envelope.
    public init(path: String, host: String, _ facts: Facts, _ envelope: Envelope?) {
        self.path = path
        self.host = host
        let known: [(String, FactName)] = [
            ("IP", .clientIP), ("Helo", .helo), ("Hostname", .clientName), ("User", .authUser),
            ("Queue-ID", .message), ("TLS-Version", .tlsVersion), ("TLS-Cipher", .tlsCipher),
            ("MTA-Name", .localName),
        ]
        for (name, fact) in known {
            if let value = facts[fact], !value.isEmpty {
                append(name, Array(value.prefix(RspamdQuestion.factLimit)))
            }
        }
        if let envelope {
            append("From", RspamdQuestion.path(envelope.reversePath.bytes))
            var room = RspamdQuestion.recipientLimit
            for recipient in envelope.recipients {
                room -= recipient.bytes.count + 10
                guard room > 0 else { break }
                append("Rcpt", RspamdQuestion.path(recipient.bytes))
            }
            if envelope.recipients.count == 1, let recipient = envelope.recipients.first {
                append("Deliver-To", recipient.bytes)
            }
        }
    }

    /// Adds a field; what could end it becomes `_`.
    public mutating func append(_ name: String, _ value: [UInt8]) {
        fields.append((name, value.map { $0.isControl ? 0x5F : $0 }))
    }

    private static func path(_ address: [UInt8]) -> [UInt8] { [0x3C] + address + [0x3E] }

    /// The length is known, and both sides close afterwards.
    public var endsOutput: Bool { false }

    /// The request with its fields.
    public func head(length: Int) -> [UInt8] {
        var head = Array("POST \(path) HTTP/1.1\r\nHost: \(host)\r\n".utf8)
        head += "User-Agent: chainmail/\(chainmailVersion)\r\n".utf8
        head += "Connection: close\r\nContent-Length: \(length)\r\n".utf8
        for (name, value) in fields {
            head += "\(name): ".utf8
            head += value
            head += "\r\n".utf8
        }
        return head + Array("\r\n".utf8)
    }

    /// Reads an answer.
    public func reader() -> any SpamAnswerReader { RspamdReader() }
}

/// A reply of HTTP with a JSON object.
private final class RspamdReader: SpamAnswerReader {
    private let reader = HTTPReplyReader(limit: SpamServers.answerLimit)

    func take(_ piece: [UInt8]) throws(SpamServerError) -> SpamOpinion? {
        let reply: HTTPReply?
        do throws(HTTPReplyError) {
            reply = try reader.take(piece)
        } catch {
            throw SpamServerError(error)
        }
        return if let reply { try opinion(reply) } else { nil }
    }

    func end() throws(SpamServerError) -> SpamOpinion {
        let reply: HTTPReply
        do throws(HTTPReplyError) {
            reply = try reader.end()
        } catch {
            throw SpamServerError(error)
        }
        return try opinion(reply)
    }

    private func opinion(_ reply: HTTPReply) throws(SpamServerError) -> SpamOpinion {
        let value = JSONValue(reply.body)
        guard reply.status == 200 else {
            let words = (value?["error"]?.bytes ?? []).prefix(200).printable
            throw .refused("\(reply.status) \(words)")
        }
        guard let value else { throw .nonsense("no JSON") }
        if let error = value["error"] { throw .refused(error.text ?? "error") }
        return try RspamdReply.opinion(value)
    }
}

extension SpamServerError {
    fileprivate init(_ error: HTTPReplyError) {
        switch error {
        case .malformed(let reason): self = .nonsense(reason)
        case .tooLong: self = .nonsense("it has no end")
        case .cutShort: self = .cutShort
        }
    }
}
