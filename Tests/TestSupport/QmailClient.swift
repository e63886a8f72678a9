// QmailClient: the part of a qmail that calls qmail-queue, descriptor by descriptor.
// qmail.c of notqmail, netqmail, sagredo's qmail and indimail; no package of them exists.
// SPDX-License-Identifier: MIT

import Glibc
import MailModel
import UnixIO

/// One qmail, as far as its programs start a queue program and understand how it ends.
public struct QmailClient: Sendable, CustomStringConvertible {
    /// Which one.
    public let description: String
    /// The queue program's descriptor that is a pipe for a reason; nil: there is none.
    public var reasonDescriptor: Int32?
    /// The exit codes with which what came through the pipe counts.
    public let reasonCodes: Set<Int32>
    /// How many bytes of it are taken.
    public let reasonLimit: Int
    /// True where the value of QMAILQUEUE is words, the first of which is the program.
    public var splitsWords = false
    /// What it puts before the texts of its own.
    private let prefix: String
    /// What qmail-smtpd says of its client in the environment, besides what tcpserver says.
    public let smtpd: [String: String]

    /// From 1.09 on.
    public static let notqmail = QmailClient(
        description: "notqmail", reasonDescriptor: 6, reasonCodes: [82], reasonLimit: 255,
        prefix: "", smtpd: [:])
    /// As distributed; its patches for authentication set TCPREMOTEINFO.
    public static let netqmail = QmailClient(
        description: "netqmail", reasonDescriptor: nil, reasonCodes: [], reasonLimit: 0,
        prefix: "", smtpd: ["PROTO": "TCP6", "TCPREMOTEIP": "::ffff:192.0.2.1"])
    /// The collection of patches by R. Puzzanghera.
    public static let sagredo = QmailClient(
        description: "sagredo's qmail", reasonDescriptor: 4, reasonCodes: [82, 88],
        reasonLimit: 255, prefix: "",
        smtpd: [
            "SMTPHELOHOST": "client.a.test", "SMTPAUTHUSER": "alice", "SMTPAUTHMETHOD": "login",
            "SMTP_AUTH_USER": "alice", "QMAILAUTHENTICATED": "alice", "SPFRESULT": "pass",
            "RBLRESULT": "pass", "RELAYCLIENT": "",
        ])
    /// Behind sslserver, which hands down the pipes to its TLS.
    public static let sqmail = QmailClient(
        description: "s/qmail", reasonDescriptor: nil, reasonCodes: [], reasonLimit: 0,
        prefix: "", smtpd: ["RCPTTO": "bob@b.test", "HELOHOST": "client.a.test"])
    /// With the custom error at descriptor 2.
    public static let indimail = QmailClient(
        description: "indimail", reasonDescriptor: 2, reasonCodes: [88], reasonLimit: 1023,
        splitsWords: true, prefix: "qq ", smtpd: ["SMTPHELOHOST": "client.a.test"])

    /// All of them.
    public static let all = [notqmail, netqmail, sagredo, sqmail, indimail]

    /// The program of a qmail that calls qmail-queue.
    public enum Caller: String, CaseIterable, Sendable {
        /// Descriptor 2 is a log; what tcpserver knows is in the environment.
        case smtpd
        /// The user's environment and terminal.
        case inject
        /// A forward of a dot-qmail file: descriptor 2 is the report to qmail-lspawn.
        case forward
        /// A bounce of qmail-send, whose descriptors 2 to 6 are pipes to and from its helpers.
        case bounce
    }

    /// What a reply to an SMTP client begins with, as this qmail would word it: `D` or `Z` and a
    /// text; empty where the message was queued.
    func verdict(_ end: Termination, _ reason: [UInt8], hasFailed: Bool) -> String {
        guard case .exited(let code) = end else { return "Zqq crashed (#4.3.0)" }
        let own = prefix
        switch code {
        case 0 where !hasFailed: return ""
        case 0, 54: return "Zqq read error (#4.3.0)"
        case _ where reasonCodes.contains(code) && reason.count > 2:
            return String(decoding: reason, as: UTF8.self)
        case 11: return "D\(own)envelope address too long (#5.1.3)"
        case 31: return "D\(own)mail server permanently rejected message (#5.3.0)"
        case 51: return "Zqq out of memory (#4.3.0)"
        case 52: return "Zqq timeout (#4.3.0)"
        case 53: return "Zqq write error or disk full (#4.3.0)"
        case 55: return "Zqq unable to read configuration (#4.3.0)"
        case 71: return "Z\(own)mail server temporarily rejected message (#4.3.0)"
        case 81, 91: return "Zqq internal bug (#4.3.0)"
        case 120: return "Zunable to exec qq (#4.3.0)"
        case 11...40: return "Dqq permanent problem (#5.3.0)"
        default: return "Zqq temporary problem (#4.3.0)"
        }
    }

    /// The environment of a queue program, without PATH and what the test adds.
    func environment(_ caller: Caller) -> [String: String] {
        switch caller {
        case .smtpd:
            [
                "PROTO": "TCP", "TCPLOCALIP": "192.0.2.25", "TCPLOCALPORT": "25",
                "TCPLOCALHOST": "mx.b.test", "TCPREMOTEIP": "192.0.2.1", "TCPREMOTEPORT": "40000",
                "TCPREMOTEHOST": "client.a.test",
            ].merging(smtpd) { $1 }
        case .inject:
            ["USER": "alice", "LOGNAME": "alice", "HOME": "/home/alice", "QMAILINJECT": "f"]
        case .forward:
            [
                "SENDER": "alice@a.test", "NEWSENDER": "alice@a.test", "RECIPIENT": "joe@b.test",
                "USER": "joe", "HOME": "/home/joe", "HOST": "b.test", "LOCAL": "joe", "EXT": "",
                "DTLINE": "Delivered-To: joe@b.test\n", "UFLINE": "From alice@a.test\n",
                "RPLINE": "Return-Path: <alice@a.test>\n",
            ]
        case .bounce: [:]
        }
    }
}
