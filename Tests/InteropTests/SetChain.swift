// SetChain: the chain that judges the set of messages.
// filters.d(5), regex-rules(5).
// SPDX-License-Identifier: MIT

import Glibc
import TestSupport
import UnixIO

/// A root with the filters.d that the expectations of `MessageSet` are about.
final class SetChain: Sendable {
    /// One whose resident steps run, for all bridges that need no root of their own.
    static let shared = Result { try SetChain(serves: true) }

    /// Holds everything.
    let folder: TestFolder
    /// The root: `--root`.
    var root: String { folder.file("root") }
    /// What `filter-chain --serve` logged.
    var log: String { service?.log ?? "" }
    private let service: Service?

    /// Makes the root. With `serves`, `filter-chain --serve` runs on it until the value ends.
    init(serves: Bool) throws {
        folder = try TestFolder()
        // Servers of others run as other users.
        for path in ["root", "root/run"] { try Files.makeFolders(folder.file(path)) }
        let folder = folder
        try SetChain.write(to: folder)
        service =
            try serves
            ? Service(
                Tool("filter-chain", ["--serve", "--root", folder.file("root")]),
                log: folder.file("serve.log"), limit: .seconds(120)) : nil
        for path in ["", "root", "root/run", "root/run/filters", "root/etc", "root/etc/filters.d"] {
            _ = chmod(folder.file(path), 0o755)
        }
        for name in folder.names(in: "root/run/filters") {
            _ = chmod(folder.file("root/run/filters/\(name)"), 0o666)
        }
    }

    /// The rules of each step that has some, by its name.
    static let rules = [
        "10-sender": """
        helo /^bad-helo\\.test$/ reject 550 5.7.1 no such greeting
        sender /^spammer@/ reject 550 5.7.1 sender refused
        sender /^later@/ defer 451 4.7.1 sender deferred
        sender /^nowhere@/ discard
        sender /^tagged@/ tag X-Sender: tagged

        """,
        "20-recipient": """
        recipient /^nobody@/ reject 550 5.1.1 no such mailbox
        recipient /^full@/ defer 452 4.2.2 mailbox full
        recipient /^trap@/ discard

        """,
        "30-content": #"""
        header:Subject /\bcheap (pills|watches)\b/i reject 550 5.7.1 no $1, thanks
        header:Subject /\btry again later\b/i defer 451 4.7.1 later, please
        header:Subject /\bdrop this\b/i discard
        header:X-Evil /./ reject 550 5.7.1 evil field
        header:From /@forged\.test>?$/i reject 550 5.7.1 forged sender
        body /\bbuy gold now\b/i reject 550 5.7.1 no gold
        body /\bcome back tomorrow\b/i defer 451 4.7.1 tomorrow, then
        raw /\x00binary spam\x00/ reject 550 5.7.1 no binary spam
        attachment /\.(exe|scr|js)$/i reject 550 5.7.1 no programs
        type /^application\/x-msdownload$/ reject 550 5.7.1 no programs
        header:Subject /\bplease tag\b/ tag X-Tagged: yes
        header:Subject /\bplease clean\b/ remove X-Private
        header:Subject /\bsend elsewhere\b/ redirect carol@b.test
        header:Subject /\bcopy to dave\b/ add dave@b.test

        """#,
    ]

    /// A filter in qmail-qfilter's manner, which changes what one sender sends.
    static let footer = """
        #!/bin/sh
        case "$QMAILUSER" in footer) cat; echo "-- "; echo "seen by the footer" ;; esac

        """

    /// What the footer adds.
    static let footerLines = Array("-- \nseen by the footer\n".utf8)

    /// The command lines of the steps that are filters of ours, in order: what a script would run
    /// in place of the chain. The virus scanner asks the resident one of the root.
    var commands: [[String]] {
        SetChain.rules.keys.sorted().map {
            ["regex-filter", "--rules", folder.file("rules/\($0)")]
        } + [["virus-scan", "--pool", folder.file("root/run/filters/40-virus")]]
    }

    /// Writes control files, rules, signatures and steps below `root`.
    private static func write(to folder: TestFolder) throws {
        try folder.write("root/etc/control/me", "mx.b.test\n", mode: 0o644)
        try folder.write("root/etc/control/rcpthosts", "b.test\n", mode: 0o644)
        for (name, text) in rules { try folder.write("rules/\(name)", text, mode: 0o644) }
        _ = chmod(folder.file("rules"), 0o755)
        try folder.write("signatures/eicar.ndb", "Set.EICAR:0:*:\(Samples.eicarHex)\n", mode: 0o644)
        let stages = ["10-sender": "mail", "20-recipient": "rcpt", "30-content": "message"]
        for (name, stage) in stages {
            try folder.write(
                "root/etc/filters.d/\(name)",
                "run regex-filter --rules \(folder.file("rules/\(name)"))\nstage \(stage)\n"
                    + "workers 1 4\n", mode: 0o644)
        }
        try folder.write(
            "root/etc/filters.d/40-virus",
            "run virus-scan --database \(folder.file("signatures"))\nworkers 1 4\n", mode: 0o644)
        // Another process writes it: one that is open for writing here is busy in every child
        // that another test starts at that moment.
        var tool = try Tool(
            "/bin/sh",
            ["-c", "cat > \"$0\" && chmod 755 \"$0\"", folder.file("root/etc/filters.d/50-footer")])
        tool.message = Array(footer.utf8)
        guard try tool.run().code == 0 else { throw TestFailure("50-footer cannot be written") }
    }
}
