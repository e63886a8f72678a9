// Rspamd: rspamd with rules of a test's own, no network and no Redis.
// https://docs.rspamd.com/configuration
// SPDX-License-Identifier: MIT

import Glibc
import TestSupport
import UnixIO

extension UnpackedProgram {
    /// rspamd, with its own libraries.
    static let rspamd = Result { try UnpackedProgram("rspamd", libraries: ["rspamd"]) }
}

/// A running rspamd, which does what the Subject orders.
final class Rspamd: Sendable {
    /// One for all tests.
    static let shared = Result { try Rspamd() }

    /// Where it listens.
    var socket: String { folder.file("socket") }
    /// What it logged.
    var log: String { daemon.log }
    private let folder: TestFolder
    private let daemon: Daemon

    private static let rules = """
        rspamd_config:register_symbol({
          name = 'OURS', type = 'normal', score = 1.0,
          callback = function(task)
            local subject = task:get_subject() or ''
            local score = string.match(subject, 'score=([%d.]+)')
            if score then task:insert_result('OURS', tonumber(score)) end
            local action = string.match(subject, 'action=([%a ]+)')
            if action then task:set_pre_result(action, 'as it was told', 'ours') end
            if string.match(subject, 'fields') then
              task:set_milter_reply({
                add_headers = {['X-One'] = 'a\\r\\n\\tb', ['X-Two'] = {'c', 'd'}},
                remove_headers = {['X-Gone'] = 0},
              })
            end
            if string.match(subject, 'facts') then
              local to = {}
              for _, r in ipairs(task:get_recipients('smtp')) do table.insert(to, r.addr) end
              task:set_pre_result('reject', table.concat({
                tostring(task:get_ip()), task:get_helo(), task:get_hostname(), task:get_user(),
                task:get_from('smtp')[1].addr, table.concat(to, '+'),
                task:get_request_header('Deliver-To') and 'one' or 'several',
              }, ' '), 'ours')
            end
          end
        })

        """

    private init() throws {
        let program = try UnpackedProgram.rspamd.get()
        folder = try TestFolder()
        try folder.write("rules.lua", Rspamd.rules)
        try folder.write("tld", "com\ntest\n")
        try folder.write("db/x", "")
        try folder.write(
            "rspamd.conf",
            """
            options {
              dbdir = "\(folder.file("db"))"; temp_dir = "\(folder.file("db"))";
              pidfile = "\(folder.file("pid"))"; control_socket = "\(folder.file("control"))";
              url_tld = "\(folder.file("tld"))"; disable_hyperscan = true; filters = "";
              dns { nameserver = ["127.0.0.1:9"]; timeout = 0.1s; retransmits = 1; }
            }
            logging { type = "console"; level = "info"; color = false; }
            worker "normal" { bind_socket = "\(folder.file("socket")) mode=0666"; count = 1; }
            actions { reject = 15; rewrite_subject = 8; add_header = 6; greylist = 4;
              subject = "[R] %s"; }
            lua = "\(folder.file("rules.lua"))";

            """)
        SpamAssassin.open(folder.path)
        let user = getuid() == 0 ? ["-u", "nobody", "-g", "nogroup"] : []
        var tool = try program.tool(
            "usr/bin/rspamd", ["-f", "-c", folder.file("rspamd.conf")] + user)
        let shared = "\(program.root)/usr/share/rspamd"
        for (name, path) in [
            ("SHAREDIR", shared), ("LUALIBDIR", "\(shared)/lualib"),
            ("RULESDIR", "\(shared)/rules"),
            ("PLUGINSDIR", "\(shared)/plugins"), ("DBDIR", folder.file("db")),
            ("RUNDIR", folder.path), ("CONFDIR", folder.path), ("LOCAL_CONFDIR", folder.path),
        ] {
            tool.environment[name] = path
        }
        let socket = folder.file("socket")
        daemon = try Daemon(tool, log: folder.file("log")) { SpamAssassin.listens(socket) }
    }
}
