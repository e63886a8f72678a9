// SpamAssassin: spamd with Debian's rules, no network, and rules of ours.
// spamd(8p), Mail::SpamAssassin::Conf(3).
// SPDX-License-Identifier: MIT

import Glibc
import TestSupport
import UnixIO

extension UnpackedProgram {
    /// spamd, with what it needs of Perl.
    static let spamd = Result {
        let program = try UnpackedProgram("spamd")
        let packages = [
            "spamassassin", "libhtml-parser-perl", "libhtml-tagset-perl", "libhttp-date-perl",
            "libnet-dns-perl", "libnetaddr-ip-perl", "libsocket6-perl", "libtimedate-perl",
            "liburi-perl",
        ]
        for package in packages {
            var tool = try Tool("\(repository)/scripts/unpack-package", [package, program.root])
            tool.limit = .seconds(600)
            let result = try tool.run()
            guard result.code == 0 else { throw TestFailure("unpack-package: \(result.errors)") }
        }
        return program
    }
}

/// A running spamd.
final class SpamAssassin: Sendable {
    /// One for all tests: its rules take seconds to load.
    static let shared = Result { try SpamAssassin() }

    /// Where it listens.
    var socket: String { folder.file("socket") }
    /// What it logged.
    var log: String { daemon.log }
    private let folder: TestFolder
    private let daemon: Daemon

    /// What our rules look at: a score that the Subject orders, and what Received fields say.
    private static let rules = """
        use_bayes 0
        dns_available no
        trusted_networks 203.0.113.0/24
        header OUR_EIGHT Subject =~ /eight/
        score OUR_EIGHT 28
        header OUR_CLIENT X-Spam-Relays-Untrusted =~ /^\\[ ip=192\\.0\\.2\\.77 rdns=c\\.test helo=h\\.test /
        score OUR_CLIENT 0.01
        header OUR_RELAYED X-Spam-Relays-Trusted =~ /ip=192\\.0\\.2\\.77 .* auth=ESMTPSA /
        score OUR_RELAYED 0.01
        header OUR_ONE_HOP X-Spam-Relays-External =~ /^\\[ [^\\]]+ \\]\\s*$/
        score OUR_ONE_HOP 0.01

        """

    private init() throws {
        let program = try UnpackedProgram.spamd.get()
        folder = try TestFolder()
        for name in ["site", "home", "users"] { try folder.write("\(name)/x", "") }
        let settings = "\(program.root)/etc/spamassassin"
        for name in try Files.names(in: settings) where name.hasSuffix(".pre") {
            let text = try Files.contents(of: "\(settings)/\(name)")
            try folder.write("site/\(name)", String(decoding: text, as: UTF8.self))
        }
        try folder.write("site/local.cf", SpamAssassin.rules)
        try folder.write("users/strict@us.test/user_prefs", "required_score -50\n")
        try folder.write("users/everybody/user_prefs", "required_score 900\n")
        SpamAssassin.open(folder.path)
        let user = getuid() == 0 ? ["-u", "nobody"] : []
        // Whoever becomes another user gets no signal when a test process ends; a shell gets it.
        let stop = "\"$@\" & child=$!; trap 'kill $child' TERM; wait $child; wait $child"
        let tool = try Tool(
            "/bin/sh",
            ["-c", stop, "spamd", "/usr/bin/perl", "-T"] + SpamAssassin.modules(of: program)
                + ["\(program.root)/usr/sbin/spamd", "-L", "-x", "-m", "2", "-s", "stderr"] + user
                + [
                    "--virtual-config-dir=\(folder.file("users"))/%u",
                    "-C", "\(program.root)/usr/share/spamassassin",
                    "--siteconfigpath", folder.file("site"), "-H", folder.file("home"),
                    "--socketpath", folder.file("socket"), "--socketmode=0666",
                ])
        let socket = folder.file("socket")
        daemon = try Daemon(tool, log: folder.file("log"), limit: .seconds(120)) {
            SpamAssassin.listens(socket)
        }
    }

    /// With -T, Perl looks at no variable of the environment.
    private static func modules(of program: UnpackedProgram) -> [String] {
        let folder = "\(program.root)/usr/lib/x86_64-linux-gnu/perl5"
        let versions = (try? Files.names(in: folder)) ?? []
        return (["\(program.root)/usr/share/perl5"] + versions.map { "\(folder)/\($0)" })
            .map { "-I\($0)" }
    }

    /// A server that gives up root's rights reads and writes here.
    static func open(_ path: String) {
        let names = (try? Files.names(in: path)) ?? []
        _ = chmod(path, names.isEmpty ? 0o644 : 0o777)
        for name in names {
            var status = Glibc.stat()
            guard lstat("\(path)/\(name)", &status) == 0 else { continue }
            let isFolder = status.st_mode & S_IFMT == S_IFDIR
            if isFolder { open("\(path)/\(name)") } else { chmod("\(path)/\(name)", 0o644) }
        }
    }

    /// True once somebody listens: a socket is there a moment before.
    static func listens(_ socket: String) -> Bool {
        do {
            _ = try UnixSocket.connect(to: socket, deadline: .after(.seconds(5)))
            return true
        } catch {
            return false
        }
    }
}
