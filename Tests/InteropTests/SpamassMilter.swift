// SpamassMilter: spamass-milter with a spamc of the test's own, which knows one word.
// spamass-milter(1).
// SPDX-License-Identifier: MIT

import Glibc
import TestSupport
import UnixIO

extension UnpackedProgram {
    /// spamass-milter.
    static let spamassMilter = Result { try UnpackedProgram("spamass-milter") }
}

/// A running spamass-milter that rejects what has `spamword` in it.
final class SpamassMilter: Sendable {
    /// Where it listens.
    var socket: String { folder.file("sock") }
    private let folder: TestFolder
    private let daemon: Daemon

    private static let spamc = """
        #!/bin/sh
        message=$(cat; echo x)
        message=${message%x}
        case $message in
        *spamword*) flag=YES score=20.0 ;;
        *) flag=No score=0.1 ;;
        esac
        echo "X-Spam-Status: $flag, score=$score required=5.0 tests=NONE"
        [ $flag = No ] || echo "X-Spam-Flag: YES"
        printf %s "$message" | tr -d '\\r'

        """

    init() throws {
        folder = try TestFolder()
        let program = try UnpackedProgram.spamassMilter.get()
        // Where it looks for spamc is built in; the other path has as many characters. Another
        // process writes both files: one that is open for writing here is busy in every child that
        // another test starts at that moment.
        let script = """
            sed 's,/usr/bin/spamc,././././/spamc,' "$0" > spamass-milter && cat > spamc \
            && chmod 755 spamass-milter spamc
            """
        var make = try Tool("/bin/sh", ["-c", script, "\(program.root)/usr/sbin/spamass-milter"])
        make.folder = folder.path
        make.message = Array(SpamassMilter.spamc.utf8)
        guard try make.run().code == 0 else { throw TestFailure("spamass-milter is not made") }
        var tool = try program.tool("", ["-p", folder.file("sock"), "-r", "15"])
        tool.path = folder.file("spamass-milter")
        tool.folder = folder.path
        let socket = folder.file("sock")
        daemon = try Daemon(tool, log: folder.file("log")) { (try? Files.status(socket)) != nil }
    }
}
