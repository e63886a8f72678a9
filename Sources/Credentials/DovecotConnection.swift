// DovecotConnection: a client of Dovecot's authentication protocol.
// https://doc.dovecot.org/developer_manual/design/auth_protocol
// SPDX-License-Identifier: MIT

import Glibc
import MailModel
import Passwords
import UnixIO

/// Why Dovecot does not say anything.
struct DovecotError: Error {
    let reason: String
    /// True when the connection may merely have been an old one.
    var isLost = false
}

/// What Dovecot says of a login.
enum DovecotAnswer: Hashable {
    case accepted(user: [UInt8]?)
    case refused
}

/// One connection, whose handshake is done.
final class DovecotConnection {
    /// The longest line of the protocol, in bytes.
    private static let longestLine = 16_384
    /// The most lines of a handshake.
    private static let mostLines = 200

    private let connection: Connection
    private var buffer: [UInt8] = []
    private var mechanisms: [String] = []
    private var lastRequest = 0

    /// Connects and shakes hands.
    init(_ path: String, until deadline: Deadline) throws(DovecotError) {
        do throws(SystemError) {
            connection = try UnixSocket.connect(to: path, deadline: deadline)
        } catch { throw DovecotError(reason: "\(error)") }
        try send("VERSION\t1\t1\nCPID\t\(getpid())\n", deadline)
        for _ in 0..<DovecotConnection.mostLines {
            let words = try line(deadline)
            switch words.first.map({ String(decoding: $0, as: UTF8.self) }) {
            case "VERSION":
                guard words.count > 1, words[1].elementsEqual([0x31]) else {
                    throw DovecotError(reason: "another version of the protocol")
                }
            case "MECH" where words.count > 1:
                mechanisms.append(String(decoding: words[1], as: UTF8.self))
            case "DONE": return
            default: break
            }
        }
        throw DovecotError(reason: "a handshake without end")
    }

    /// Whether a login has a password: one exchange with the mechanism PLAIN (RFC 4616).
    func verify(
        _ login: [UInt8], _ password: [UInt8], _ context: LoginContext, until deadline: Deadline
    ) throws(DovecotError) -> DovecotAnswer {
        guard mechanisms.contains("PLAIN") else {
            throw DovecotError(reason: "the server does not offer PLAIN")
        }
        lastRequest += 1
        var words = ["AUTH", "\(lastRequest)", "PLAIN", "service=smtp", "nologin"]
        if context.isSecured { words.append("secured") }
        if let address = context.localAddress { words.append("lip=\(address)") }
        if let address = context.clientAddress { words.append("rip=\(address)") }
        if let port = context.localPort { words.append("lport=\(port)") }
        let response = Base64.encode([0] + login + [0] + password)
        // Nothing may come after it.
        words.append("resp=\(String(decoding: response, as: UTF8.self))")
        try send(words.joined(separator: "\t") + "\n", deadline)
        return try answer(deadline)
    }

    private func answer(_ deadline: Deadline) throws(DovecotError) -> DovecotAnswer {
        let id = Array("\(lastRequest)".utf8)
        while true {
            let words = try line(deadline)
            guard words.count > 1, words[1].elementsEqual(id) else { continue }
            let values = words.dropFirst(2)
            switch String(decoding: words[0], as: UTF8.self) {
            case "OK":
                let user = values.first { $0.starts(with: "user=".utf8) }
                return .accepted(user: user.map { DovecotConnection.unescaped($0.dropFirst(5)) })
            case "FAIL":
                let isTemporary = values.contains {
                    $0.elementsEqual("temp".utf8) || $0.elementsEqual("code=temp_fail".utf8)
                }
                // RFC 5321 has no word for "not without TLS"; it is the administrator's to see.
                let isOurs = values.contains {
                    $0.elementsEqual("code=auth_mech_invalid".utf8)
                        || $0.elementsEqual("code=auth_mech_ssl_required".utf8)
                        || $0.elementsEqual("code=invalid_base64".utf8)
                }
                guard !isTemporary, !isOurs else {
                    throw DovecotError(
                        reason: isOurs ? "it takes no PLAIN from us" : "a temporary failure")
                }
                return .refused
            case "CONT": throw DovecotError(reason: "it wants more than PLAIN has")
            default: continue
            }
        }
    }

    private func send(_ text: String, _ deadline: Deadline) throws(DovecotError) {
        do throws(SystemError) {
            try connection.send(Array(text.utf8), deadline: deadline)
        } catch { throw DovecotError(reason: "\(error)", isLost: error.errno != .timedOut) }
    }

    /// The words of the next line.
    private func line(_ deadline: Deadline) throws(DovecotError) -> [ArraySlice<UInt8>] {
        while true {
            if let end = buffer.firstIndex(of: 0x0A) {
                let line = buffer[..<end]
                buffer = Array(buffer[(end + 1)...])
                return line.split(separator: 0x09, omittingEmptySubsequences: false)
            }
            guard buffer.count <= DovecotConnection.longestLine else {
                throw DovecotError(reason: "a line without end")
            }
            var received = Received()
            let count: Int
            do throws(SystemError) {
                count = try connection.receive(into: &received, limit: 4096, deadline: deadline)
            } catch { throw DovecotError(reason: "\(error)", isLost: error.errno != .timedOut) }
            guard count > 0 else {
                throw DovecotError(reason: "it closed the connection", isLost: true)
            }
            buffer += received.bytes
        }
    }

    /// A value without Dovecot's escapes.
    private static func unescaped(_ text: ArraySlice<UInt8>) -> [UInt8] {
        var bytes: [UInt8] = []
        var isEscaped = false
        for byte in text {
            guard isEscaped else {
                if byte == 1 { isEscaped = true } else { bytes.append(byte) }
                continue
            }
            isEscaped = false
            switch byte {
            case 0x30: bytes.append(0)
            case 0x31: bytes.append(1)
            case 0x74: bytes.append(0x09)
            case 0x72: bytes.append(0x0D)
            case 0x6E, 0x6C: bytes.append(0x0A)
            default: bytes.append(byte)
            }
        }
        return bytes
    }
}
