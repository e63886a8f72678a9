// PostfixServer: a complete Postfix of its own on one port of loopback.
// master(8), postconf(5).
// SPDX-License-Identifier: MIT

import Glibc
import TestSupport
import UnixIO

/// A running Postfix, from the unpacked package. It takes mail for y.test into Maildirs of its own
/// and sends nothing elsewhere. It needs root, as Postfix itself does.
final class PostfixServer: Sendable {
    /// Whom its processes are, all but master: every Debian has this user.
    static let user = "mail"
    /// Its `setgid_group`, which must be of nobody else.
    private static let group = "uucp"
    /// Whom mailboxes belong to, and programs of pipe(8) run as: `user=nobody`.
    private static let owner: uid_t = 65_534

    /// The port of its smtpd.
    let port: UInt16
    /// Its queue: `hold`, `deferred` and the other folders are in it.
    var queue: String { folder.file("queue") }
    /// The folder of main.cf and master.cf.
    var configuration: String { folder.file("etc") }
    private let folder: TestFolder
    private let daemon: Daemon

    /// Starts one.
    /// - Parameters:
    ///   - main: values of main.cf, also in the place of ours.
    ///   - smtpd: options of its smtpd: `["content_filter=x:"]`.
    ///   - master: lines of master.cf after ours.
    ///   - mailboxes: the local-parts that y.test has.
    /// - Throws: `TestFailure` with its log when it does not answer.
    init(
        main: [String: String] = [:], smtpd: [String] = [], master: [String] = [],
        mailboxes: [String] = ["alice", "bob", "carol"]
    ) throws {
        guard getuid() == 0 else { throw TestFailure("Postfix starts only as root") }
        let folder = try TestFolder()
        self.folder = folder
        port = try PostfixServer.freePort()
        try PostfixServer.makeQueue(folder)
        let program = try UnpackedProgram.postfix.get()
        let main = try PostfixServer.parameters(folder, program)
            .merging(main) { _, given in given }
        try folder.write(
            "etc/main.cf", main.map { "\($0.key) = \($0.value)\n" }.sorted().joined(), mode: 0o644)
        let options = smtpd.map { "  -o \($0)\n" }.joined()
        let lines = "127.0.0.1:\(port) inet n - n - - smtpd\n\(options)\(PostfixServer.services)"
        try folder.write(
            "etc/master.cf", lines + master.map { "\($0)\n" }.joined(), mode: 0o644)
        try folder.write(
            "etc/mailboxes", mailboxes.map { "\($0)@y.test \($0)/\n" }.joined(), mode: 0o644)
        chmod(folder.file("etc"), 0o755)
        let tool = try program.tool(
            "usr/lib/postfix/sbin/master", ["-d", "-c", folder.file("etc")])
        let port = port
        daemon = try Daemon(tool, log: folder.file("master.log")) {
            (try? SMTPConversation(port: port)) != nil
        }
    }

    deinit { _ = try? daemon.stop() }

    /// A connection to it, with EHLO said.
    func connect(_ helo: String = "client.x.test") throws -> SMTPConversation {
        let conversation = try SMTPConversation(port: port)
        try conversation.say("EHLO \(helo)")
        return conversation
    }

    /// What it logged.
    var log: String {
        [folder.file("log"), folder.file("master.log")].map {
            String(decoding: (try? Files.contents(of: $0)) ?? [], as: UTF8.self)
        }.joined()
    }

    // MARK: What came of messages

    /// The messages in a mailbox, with what Postfix itself puts on top of each: Return-Path,
    /// X-Original-To, Delivered-To and Received.
    func messages(of localPart: String) -> [[UInt8]] {
        let new = "mail/\(localPart)/new"
        return folder.names(in: new).compactMap { try? folder.read("\(new)/\($0)") }
    }

    /// Waits until a mailbox has so many messages.
    /// - Throws: `TestFailure` with the log when they do not come.
    func messages(of localPart: String, count: Int) throws -> [[UInt8]] {
        guard eventually({ messages(of: localPart).count >= count }) else {
            throw TestFailure("no message for \(localPart):\n\(log)")
        }
        return messages(of: localPart)
    }

    /// The ids of the messages on hold.
    var held: [String] { folder.names(in: "queue/hold") }

    /// The ids of the messages that wait: for their first delivery, or another one.
    var waiting: [String] {
        ["maildrop", "incoming", "active"].flatMap { folder.names(in: "queue/\($0)") }
            + deferred
    }

    /// The ids of the messages that wait for another try.
    var deferred: [String] {
        folder.names(in: "queue/deferred").flatMap { folder.names(in: "queue/deferred/\($0)") }
    }

    /// What postcat(1) says.
    func postcat(_ arguments: [String]) throws -> [UInt8] {
        try run("usr/sbin/postcat", arguments)
    }

    /// A command of Postfix with this configuration.
    /// - Throws: `TestFailure` with what it says when it fails.
    @discardableResult
    func run(_ path: String, _ arguments: [String], input: String = "") throws -> [UInt8] {
        var tool = try UnpackedProgram.postfix.get().tool(path, arguments)
        tool.environment["MAIL_CONFIG"] = configuration
        tool.message = Array(input.utf8)
        let result = try tool.run()
        guard result.code == 0 else { throw TestFailure("\(path): \(result.errors)") }
        return result.output
    }

    /// Submits a message as a local user does.
    func sendmail(_ arguments: [String], _ message: String) throws {
        try run("usr/sbin/sendmail", arguments, input: message)
    }

    // MARK: Its files

    /// A port that nobody has at this moment: Postfix takes none from the kernel.
    static func freePort() throws -> UInt16 {
        guard let endpoint = InternetEndpoint(address: [127, 0, 0, 1], port: 0) else { return 0 }
        let listener = try InternetSocket.listen(on: endpoint, "127.0.0.1:0")
        return InternetSocket.localEndpoint(of: listener.borrowed)?.port ?? 0
    }

    /// The folders that the command postfix would make.
    private static func makeQueue(_ folder: TestFolder) throws {
        chmod(folder.path, 0o755)
        guard let mail = getpwnam(user), let drop = getgrnam(group) else {
            throw TestFailure("no user \(user) or no group \(group)")
        }
        let user = mail.pointee.pw_uid
        let folders: [(name: String, mode: mode_t, uid: uid_t, gid: gid_t)] =
            [
                ("etc", 0o755, 0, 0), ("queue", 0o755, 0, 0), ("queue/pid", 0o755, 0, 0),
                ("data", 0o700, user, 0), ("mail", 0o755, owner, owner),
                ("queue/maildrop", 0o730, user, drop.pointee.gr_gid),
                ("queue/public", 0o710, user, drop.pointee.gr_gid),
            ]
            + [
                "active", "bounce", "corrupt", "defer", "deferred", "flush", "hold", "incoming",
                "private", "saved", "trace",
            ].map { ("queue/\($0)", 0o700, user, 0) }
        for (name, mode, uid, gid) in folders {
            try Files.makeFolder(folder.file(name), mode: mode)
            guard chown(folder.file(name), uid, gid) == 0, chmod(folder.file(name), mode) == 0
            else { throw TestFailure("chown \(name)") }
        }
    }

    private static func parameters(
        _ folder: TestFolder, _ program: UnpackedProgram
    ) throws -> [String: String] {
        let keep = "MAIL_CONFIG MAIL_DEBUG MAIL_LOGTAG TZ LANG=C"
        return [
            "compatibility_level": "3.6",
            "mail_owner": user, "setgid_group": group, "default_privs": "nobody",
            "config_directory": folder.file("etc"), "queue_directory": folder.file("queue"),
            "data_directory": folder.file("data"),
            "command_directory": "\(program.root)/usr/sbin",
            "daemon_directory": "\(program.root)/usr/lib/postfix/sbin",
            "meta_directory": folder.file("etc"),
            "shlib_directory": "\(program.root)/usr/lib/postfix",
            // Where the package's own libraries are, for daemons and what they start.
            "import_environment": "\(keep) LD_LIBRARY_PATH",
            "export_environment": "TZ MAIL_CONFIG LANG LD_LIBRARY_PATH",
            "maillog_file": folder.file("log"), "maillog_file_prefixes": folder.path,
            "myhostname": "mx.y.test", "mydomain": "y.test", "mydestination": "",
            "inet_interfaces": "127.0.0.1", "inet_protocols": "ipv4",
            "mynetworks": "127.0.0.0/8",
            "smtpd_relay_restrictions": "permit_mynetworks, reject_unauth_destination",
            // Else it adds fields to messages of its own host.
            "local_header_rewrite_clients": "",
            "alias_maps": "", "alias_database": "", "smtpd_tls_session_cache_database": "",
            "virtual_mailbox_domains": "y.test", "virtual_mailbox_base": folder.file("mail"),
            "virtual_mailbox_maps": "texthash:\(folder.file("etc"))/mailboxes",
            "virtual_uid_maps": "static:\(owner)", "virtual_gid_maps": "static:\(owner)",
            "default_transport": "error:nothing leaves this host",
            "relay_transport": "$default_transport",
        ]
    }

    /// The services of the shipped master.cf that are needed, without its chroot.
    private static let services = """
        pickup unix n - n 1 1 pickup
        cleanup unix n - n - 0 cleanup
        qmgr unix n - n 300 1 qmgr
        rewrite unix - - n - - trivial-rewrite
        bounce unix - - n - 0 bounce
        defer unix - - n - 0 bounce
        trace unix - - n - 0 bounce
        verify unix - - n - 1 verify
        flush unix n - n 1000? 0 flush
        proxymap unix - - n - - proxymap
        smtp unix - - n - - smtp
        relay unix - - n - - smtp
        showq unix n - n - - showq
        error unix - - n - - error
        retry unix - - n - - error
        discard unix - - n - - discard
        virtual unix - n n - - virtual
        lmtp unix - - n - - lmtp
        anvil unix - - n - 1 anvil
        scache unix - - n - 1 scache
        postlog unix-dgram n - n - 1 postlogd

        """
}
