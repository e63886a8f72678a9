// DovecotServer: Dovecot with its LMTP server, over Maildirs in a folder of its own.
// doveconf(1), doveadm(1).
// SPDX-License-Identifier: MIT

import Glibc
import TestSupport
import UnixIO

/// A running Dovecot. The server is that of the host; what is not installed comes from packages
/// that are unpacked only.
final class DovecotServer: Sendable {
    /// The folder that users' homes are in; their mailboxes are `NAME/Maildir`.
    var mail: String { folder.file("mail") }
    /// The socket of LMTP.
    var socket: String { folder.file("run/lmtp") }
    /// Its configuration file.
    var configuration: String { folder.file("conf") }
    /// What it logged.
    var log: String { daemon.log }

    private let folder: TestFolder
    private let daemon: Daemon
    private static let lmtp = Result { try UnpackedProgram("dovecot-lmtpd") }
    /// Dovecot keeps no mail as root.
    private static let owner: uid_t = getuid() == 0 ? 65_534 : getuid()

    /// Starts one. Each user of y.test has a name and perhaps a quota, as `bytes=1000`.
    init(users: [String: String?]) throws {
        let folder = try TestFolder()
        self.folder = folder
        chmod(folder.path, 0o755)
        try Files.makeFolder(folder.file("mail"), mode: 0o755)
        let lines = users.map { name, quota in
            let rule = quota.map { "userdb_quota_rule=*:\($0)" } ?? ""
            return "\(name)@y.test:{PLAIN}secret::::\(folder.file("mail/\(name)"))::\(rule)\n"
        }
        try folder.write("users", lines.joined(), mode: 0o644)
        let program = try DovecotServer.lmtp.get().root + "/usr/lib/dovecot/lmtp"
        try folder.write("conf", DovecotServer.configuration(folder, lmtp: program))
        let tool = try Tool("/usr/sbin/dovecot", ["-F", "-c", folder.file("conf")])
        let socket = folder.file("run/lmtp")
        daemon = try Daemon(tool, log: folder.file("log")) { (try? Files.status(socket)) != nil }
        try give()
    }

    deinit { _ = try? daemon.stop() }

    /// Makes everything below `mail` Dovecot's, as it would be for a delivery by the owner.
    func give() throws {
        guard getuid() == 0 else { return }
        let owner = "\(DovecotServer.owner):\(DovecotServer.owner)"
        let result = try Tool("/bin/chown", ["-R", owner, mail]).run()
        guard result.code == 0 else { throw TestFailure("chown: \(result.errors)") }
    }

    /// What doveadm answers, without the blanks at its ends.
    func doveadm(_ words: [String]) throws -> String {
        let result = try Tool("/usr/bin/doveadm", ["-c", folder.file("conf")] + words).run()
        guard result.code == 0 else {
            throw TestFailure("doveadm \(words): \(result.errors)\n\(log)")
        }
        return result.text.split(separator: "\n").map { $0.split(separator: " ") }
            .map { $0.joined(separator: " ") }.joined(separator: "\n")
    }

    private static func configuration(_ folder: TestFolder, lmtp: String) -> String {
        let user = getpwuid(getuid()).map { String(cString: $0.pointee.pw_name) } ?? "root"
        let group = getgrgid(getgid()).map { String(cString: $0.pointee.gr_name) } ?? "root"
        let group2 = getuid() == 0 ? 65_534 : getgid()
        return """
            base_dir = \(folder.file("run"))
            state_dir = \(folder.file("run"))
            log_path = /dev/stderr
            # The package may be newer than what is installed.
            version_ignore = yes
            protocols = lmtp
            listen = 127.0.0.1
            ssl = no
            default_internal_user = \(user)
            default_internal_group = \(group)
            default_login_user = \(getuid() == 0 ? "nobody" : user)
            mail_uid = \(owner)
            mail_gid = \(group2)
            first_valid_uid = 1
            mail_location = maildir:~/Maildir
            mail_plugins = quota
            plugin {
              quota = maildir:User quota
            }
            passdb {
              driver = passwd-file
              args = \(folder.file("users"))
            }
            userdb {
              driver = passwd-file
              args = \(folder.file("users"))
            }
            service lmtp {
              executable = \(lmtp)
              chroot =
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
