// MilterBridge: the set through Postfix and milter-chain.
// milter-chain(8).
// SPDX-License-Identifier: MIT

import Glibc
import TestSupport
import Testing
import UnixIO

/// A Postfix in which every message that it takes stays on hold, so that what is in its queue file is
/// what it would deliver.
private struct HoldingPostfix {
    let postfix: PostfixServer

    init(milter: String? = nil) throws {
        var main = [
            "smtpd_client_restrictions": "check_client_access static:HOLD",
            "smtpd_recipient_restrictions": "permit_mynetworks",
            "smtpd_client_connection_count_limit": "0", "message_size_limit": "0",
            "header_size_limit": "1000000", "default_transport": "smtp",
        ]
        main["smtpd_milters"] = milter
        postfix = try PostfixServer(main: main)
    }

    func pass(_ letter: Letter) throws -> Passage {
        let session = try SMTPConversation(port: postfix.port)
        for command in ["EHLO \(letter.helo)", "MAIL FROM:<\(letter.sender)>"] {
            let reply = try session.say(command)
            guard reply.hasPrefix("250") else { return Passage(reply: reply) }
        }
        var refused: [String] = []
        var last = ""
        for recipient in letter.recipients {
            last = try session.say("RCPT TO:<\(recipient)>")
            if !last.hasPrefix("250") { refused.append(recipient) }
        }
        guard refused.count < letter.recipients.count else { return Passage(reply: last) }
        let data = try session.say("DATA")
        guard data.hasPrefix("354") else { return Passage(reply: data) }
        try session.send(HoldingPostfix.wire(letter.message))
        let reply = try session.reply()
        guard reply.hasPrefix("250") else { return Passage(reply: reply) }
        guard let id = postfix.held.first else { return .discarded }
        return .passed(try kept(id, refused: refused))
    }

    /// What Postfix has, without its own trace field. It is taken out of its queue.
    private func kept(_ id: String, refused: [String]) throws -> Delivered {
        let envelope = String(decoding: try postfix.postcat(["-q", "-e", id]), as: UTF8.self)
        func values(_ name: String) -> [String] {
            envelope.split(separator: "\n").compactMap { line in
                guard line.hasPrefix("\(name): ") else { return nil }
                return String(line.dropFirst(name.utf8.count + 2))
            }
        }
        let message = try postfix.postcat(["-q", "-h", "-b", id])
        try Files.unlink("\(postfix.queue)/hold/\(id)")
        return Delivered(
            message: HoldingPostfix.withoutTrace(message), sender: values("sender").last ?? "",
            recipients: values("recipient"), refused: refused)
    }

    /// Without the first field that Postfix has written of this client.
    private static func withoutTrace(_ message: [UInt8]) -> [UInt8] {
        let trace = Array("Received: from ".utf8)
        var start = 0
        while start < message.count, !message[start...].starts(with: trace) {
            guard let end = message[start...].firstIndex(of: 0x0A) else { return message }
            start = end + 1
        }
        var end = start
        while let lineEnd = message[end...].firstIndex(of: 0x0A) {
            end = lineEnd + 1
            guard end < message.count, message[end] == 0x09 || message[end] == 0x20 else { break }
        }
        return Array(message[..<start] + message[end...])
    }

    /// The message for DATA, its end included.
    static func wire(_ message: [UInt8]) -> [UInt8] {
        var wire: [UInt8] = []
        var isLineStart = true
        for byte in message {
            if isLineStart, byte == 0x2E { wire.append(0x2E) }
            if byte == 0x0A { wire.append(0x0D) }
            wire.append(byte)
            isLineStart = byte == 0x0A
        }
        if !isLineStart { wire += [0x0D, 0x0A] }
        return wire + [0x2E, 0x0D, 0x0A]
    }
}

/// Postfix with milter-chain as its milter. What must come out is what another Postfix without one
/// keeps of the message that the set expects: each has its own way with CR, with NUL in a header,
/// with what is no header, and with the end of a message.
struct MilterBridge: Bridge {
    let name = "milter"
    let answersRecipients = true
    private let filtered: HoldingPostfix
    private let alone: HoldingPostfix
    private let service: Service

    /// Starts all of it.
    init(_ chain: SetChain, _ folder: TestFolder) throws {
        service = try Service(
            Tool(
                "milter-chain", ["--root", chain.root, "--listen", "127.0.0.1:0", "--steps-apart"]),
            log: folder.file("milter-chain.log"))
        let place = service.ready.split(separator: " ").last ?? ""
        filtered = try HoldingPostfix(milter: "inet:\(place)")
        alone = try HoldingPostfix()
    }

    func pass(_ letter: Letter) throws -> Passage { try filtered.pass(letter) }

    func expected(_ letter: Letter) -> Passage {
        guard case .passed(var expected) = standard(letter) else { return standard(letter) }
        var plain = letter
        plain.message = expected.message
        // SMTP ends the last line, and the footer comes behind that.
        if letter.traits.isSuperset(of: [.noFinalLineEnd, .replaced]) {
            plain.message = letter.message + [0x0A] + SetChain.footerLines
        }
        do {
            // An address that Postfix does not take, or writes in another way.
            guard case .passed(let kept) = try alone.pass(plain) else {
                return try alone.pass(plain)
            }
            expected.message = kept.message
            if letter.traits.contains(.oddAddress) {
                (expected.sender, expected.recipients) = (kept.sender, kept.recipients)
            }
        } catch {
            return .rejected("Postfix alone: \(error)")
        }
        // It delivers to nobody twice.
        if letter.traits.contains(.repeatedRecipient) {
            expected.recipients = expected.recipients?.reduce(into: []) { all, recipient in
                if !all.contains(recipient) { all.append(recipient) }
            }
        }
        return .passed(expected)
    }
}

extension Passage {
    /// A refusal of SMTP.
    init(reply: String) {
        self = reply.hasPrefix("5") ? .rejected(reply) : .deferred(reply)
    }
}

@Suite(.enabled(if: getuid() == 0, "Postfix starts only as root")) struct MilterBridgeTests {
    @Test func `through Postfix and milter-chain the set has its verdicts and its bytes`() throws {
        let folder = try TestFolder()
        expectNothing(try MilterBridge(try SetChain.shared.get(), folder).check())
    }
}
