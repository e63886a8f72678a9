// Writer: somebody else who writes to the database: Python, in a process of its own.
// SPDX-License-Identifier: MIT

import Glibc
import TestSupport
import UnixIO

/// A process that has done something in a transaction, or ended it, and keeps the database open.
final class Writer {
    private let service: Service

    /// Does it; when this returns it is done.
    init(_ statements: String, _ path: String, _ folder: TestFolder) throws {
        let script = try folder.write(
            "writer/run",
            """
            #!/usr/bin/env python3
            import os, signal, sqlite3, sys
            connection = sqlite3.connect(sys.argv[3], isolation_level=None)
            signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
            if "COMMIT" in sys.argv[4]:
                connection.execute("BEGIN")
            for statement in sys.argv[4].split(";"):
                connection.execute(statement)
            os.write(9, b"READY\\n")
            signal.sigwait([signal.SIGTERM])
            connection.close()
            """, mode: 0o700)
        service = try Service(Tool(script, [path, statements]), log: folder.file("writer/log"))
    }

    /// Lets it close the database, and waits for that.
    func stop() throws {
        let end = try service.stop()
        guard end == .exited(0) else { throw TestFailure("the writer: \(end), \(service.log)") }
    }

    /// Runs statements and closes the database.
    static func run(_ statements: String, in path: String) throws {
        let program =
            "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]);"
            + "c.executescript(sys.argv[2]); c.close()"
        let result = try Tool("/usr/bin/env", ["python3", "-c", program, path, statements]).run()
        guard result.code == 0 else { throw TestFailure(result.errors) }
    }

    /// Renames a file.
    static func move(_ path: String, to other: String) throws {
        guard rename(path, other) == 0 else { throw TestFailure("rename \(path)") }
    }
}
