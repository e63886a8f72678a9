// MailboxServer: an installation and a Dovecot, as the README's chapter for many mailboxes has them.
// README.md, "A server for 100,000 mailboxes".
// SPDX-License-Identifier: MIT

import Glibc
import TestSupport
import UnixIO

/// A root with mailboxes, and a Dovecot that serves them by IMAP and POP3. Its configuration is the
/// README's, but for folders, ports and users.
final class MailboxServer {
    /// The root of the installation.
    let root: TestFolder
    private let folder: TestFolder
    private var daemon: Daemon?
    private var ports: (imap: UInt16, pop3: UInt16) = (0, 0)
    private static let packages = ["dovecot-imapd", "dovecot-pop3d"].map { package in
        Result { try UnpackedProgram(package).root + "/usr/lib/dovecot" }
    }
    /// Dovecot keeps no mail as root.
    private static let owner: uid_t = getuid() == 0 ? 65_534 : getuid()
    private static let group: gid_t = getuid() == 0 ? 65_534 : getgid()

    /// An installation without mailboxes.
    init() throws {
        root = try TestFolder()
        folder = try TestFolder()
        for name in [root.path, folder.path] { chmod(name, 0o755) }
        try root.write("etc/control/me", "mail.example.org\n")
        try root.write("etc/control/locals", "mail.example.org\n")
        try Files.makeFolder(root.file("mail"), mode: 0o700)
        let key = try Certificates(in: folder).signed("mail.example.org")
        try root.write("etc/tls/mail.example.org.pem", key)
    }

    deinit { _ = try? daemon?.stop() }

    /// What Dovecot logged.
    var log: String { daemon?.log ?? "" }

    /// Runs `chainmail` in the root.
    @discardableResult
    func chainmail(_ words: [String], _ input: String = "") throws -> ToolResult {
        var tool = try Tool("chainmail", words + ["--root", root.path])
        tool.message = Array(input.utf8)
        tool.folder = root.path
        tool.limit = .seconds(300)
        let result = try tool.run()
        guard result.code == 0 else { throw TestFailure("chainmail \(words): \(result.errors)") }
        return result
    }

    /// Delivers a message, and makes what it wrote the owner's, as a delivery by him does.
    func deliver(_ message: String, to recipients: [String]) throws {
        var tool = try Tool(
            "deliver-local", ["--root", root.path, "--sender", "s@x.test"] + recipients)
        tool.message = Array(message.utf8)
        let result = try tool.run()
        guard result.code == 0 else { throw TestFailure("deliver-local: \(result.text)") }
        guard getuid() == 0 else { return }
        let owner = "\(MailboxServer.owner):\(MailboxServer.group)"
        guard try Tool("/bin/chown", ["-R", owner, root.file("mail")]).run().code == 0 else {
            throw TestFailure("chown")
        }
    }

    /// Starts Dovecot. Another program may get a port first: then it is tried with others.
    func serve() throws {
        try linkPrograms()
        for attempt in 1...3 {
            ports = (try PostfixServer.freePort(), try PostfixServer.freePort())
            try folder.write("conf", try configuration())
            let tool = try Tool("/usr/sbin/dovecot", ["-F", "-c", folder.file("conf")])
            do {
                daemon = try Daemon(tool, log: folder.file("log")) {
                    MailboxServer.isListening(ports.imap) && MailboxServer.isListening(ports.pop3)
                }
                return
            } catch  where attempt < 3 { continue }
        }
    }

    /// What doveadm answers.
    func doveadm(_ words: [String]) throws -> String {
        let result = try Tool("/usr/bin/doveadm", ["-c", folder.file("conf")] + words).run()
        guard result.code == 0 else {
            throw TestFailure("doveadm \(words): \(result.errors)\n\(log)")
        }
        return result.text
    }

    /// Logs in by both protocols over TLS, and tells what is seen: for each login a line of IMAP with
    /// the number of messages, the subject of the last one and the limit in KiB, and one of POP3.
    func visit(_ logins: [(String, String)]) throws -> [String] {
        let script = """
            import imaplib, poplib, ssl, sys
            context = ssl.create_default_context(cafile=sys.argv[3])
            context.check_hostname = False
            def subject(lines):
                return next((x[9:] for x in lines if x.startswith("Subject: ")), "-")
            for login, password in zip(sys.argv[4::2], sys.argv[5::2]):
                imap = imaplib.IMAP4("127.0.0.1", int(sys.argv[1]))
                imap.starttls(context)
                try:
                    imap.login(login, password)
                except imaplib.IMAP4.error as error:
                    print(login, "imap", "AUTHENTICATIONFAILED" in str(error) and "refused" or error)
                else:
                    count = imap.select()[1][0].decode()
                    text = b"" if count == "0" else imap.fetch(count, "(BODY.PEEK[])")[1][0][1]
                    quota = imap.getquotaroot("INBOX")[1][1][0] or b"-"
                    limit = quota.decode().strip(")").split(" ")[-1]
                    print(login, "imap", count, subject(text.decode().split("\\r\\n")), limit)
                    imap.logout()
                pop3 = poplib.POP3("127.0.0.1", int(sys.argv[2]))
                pop3.stls(context)
                try:
                    pop3.user(login)
                    pop3.pass_(password)
                except poplib.error_proto as error:
                    print(login, "pop3", b"[AUTH]" in error.args[0] and "refused" or error)
                else:
                    count = pop3.stat()[0]
                    lines = pop3.retr(count)[1] if count else []
                    print(login, "pop3", count, subject([x.decode() for x in lines]))
                    pop3.quit()
            """
        let words = logins.flatMap { [$0.0, $0.1] }
        let fixed = ["-c", script, "\(ports.imap)", "\(ports.pop3)", folder.file("ca.pem")]
        let result = try Tool("/usr/bin/python3", fixed + words).run()
        guard result.code == 0 else { throw TestFailure("\(result.errors)\n\(log)") }
        return result.text.split(separator: "\n").map(String.init)
    }

    /// Looks without a connection, which Dovecot would log.
    private static func isListening(_ port: UInt16) -> Bool {
        let table = String(
            decoding: (try? Files.contents(of: "/proc/net/tcp")) ?? [], as: UTF8.self)
        let digits = String(port, radix: 16, uppercase: true)
        let place = "0100007F:" + String(repeating: "0", count: 4 - digits.count) + digits
        return table.contains(" \(place) 00000000:0000 0A ")
    }
}

extension MailboxServer {
    /// The host's Dovecot, and what the packages that are unpacked only have: one folder of programs
    /// and one of modules.
    private func linkPrograms() throws {
        for (name, own) in [("programs", ""), ("modules", "/modules")] {
            try Files.makeFolder(folder.file(name))
            let packages = try MailboxServer.packages.map { try $0.get() }
            for place in ["/usr/lib/dovecot"] + packages {
                for file in (try? Files.names(in: place + own)) ?? [] where file != "modules" {
                    symlink("\(place)\(own)/\(file)", folder.file("\(name)/\(file)"))
                }
            }
        }
    }

    /// The README's, with what a test cannot have as it is; and ports, folders and users of our own.
    private func configuration() throws -> String {
        let group = getgrgid(getgid()).map { String(cString: $0.pointee.gr_name) } ?? "root"
        let user = getpwuid(getuid()).map { String(cString: $0.pointee.pw_name) } ?? "root"
        var text = try Chapter.block(beginning: "protocols = ").joined(separator: "\n")
        for (old, new) in [
            ("/etc/chainmail/", root.file("etc/")), ("/var/mail/chainmail", root.file("mail")),
            ("uid=chainmailv", "uid=\(MailboxServer.owner)"),
            ("gid=chainmailv", "gid=\(MailboxServer.group)"),
            ("extra_groups = chainauth", getuid() == 0 ? "extra_groups = \(group)" : ""),
        ] {
            guard text.contains(old) else { throw TestFailure("the README has no \(old)") }
            text = text.replacing(old, with: new)
        }
        return text + """

            base_dir = \(folder.file("run"))
            state_dir = \(folder.file("run"))
            libexec_dir = \(folder.file("programs"))
            mail_plugin_dir = \(folder.file("modules"))
            log_path = /dev/stderr
            # The packages may be newer than what is installed.
            version_ignore = yes
            listen = 127.0.0.1
            auth_failure_delay = 0
            default_internal_user = \(user)
            default_internal_group = \(group)
            default_login_user = \(getuid() == 0 ? "nobody" : user)
            service imap-login {
              chroot =
              inet_listener imap {
                port = \(ports.imap)
              }
              inet_listener imaps {
                port = 0
              }
            }
            service pop3-login {
              chroot =
              inet_listener pop3 {
                port = \(ports.pop3)
              }
              inet_listener pop3s {
                port = 0
              }
            }
            service anvil {
              chroot =
            }
            service stats {
              chroot =
            }

            """
    }
}

/// The README's chapter.
enum Chapter {
    /// The lines of the block that begins with this text, without what sets them in.
    static func block(beginning start: String) throws -> [String] {
        let readme = try Files.contents(of: "\(repository)/README.md")
        let lines = String(decoding: readme, as: UTF8.self)
            .split(separator: "\n", omittingEmptySubsequences: false)
        guard let title = lines.firstIndex(of: "## A server for 100,000 mailboxes"),
            let first = lines[title...].firstIndex(where: { $0.hasPrefix("    \(start)") })
        else { throw TestFailure("the README's chapter has no block that begins with \(start)") }
        return lines[first...].prefix { $0.hasPrefix("    ") }.map { String($0.dropFirst(4)) }
    }
}
