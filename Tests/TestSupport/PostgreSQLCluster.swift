// PostgreSQLCluster: a PostgreSQL server of Debian's package, in a folder of its own.
// postgres(1), initdb(1).
// SPDX-License-Identifier: MIT

import Foundation
import Glibc
import UnixIO

/// A server on a Unix socket, with no port at all. It runs as `nobody` when the tests run as root,
/// which PostgreSQL refuses to. Its folder goes with it.
public final class PostgreSQLCluster: @unchecked Sendable {
    private let folder: TestFolder
    private var service: Service?

    /// The connection string, without a database.
    public var connection: String { "host=\(folder.path) user=mail" }

    /// Makes a cluster and starts its server.
    public init() throws {
        folder = try TestFolder()
        try start()
    }

    /// Starts the server, and waits until it answers.
    public func start() throws {
        let script = try folder.write("run", PostgreSQLCluster.script, mode: 0o755)
        chmod(folder.path, 0o755)
        service = try Service(Tool(script, [folder.path]), log: folder.file("log"))
    }

    /// Ends the server with a signal - SIGINT is orderly, SIGKILL is not - and waits until nothing
    /// of it is left.
    public func end(_ signal: Int32) throws {
        let all = try processes()
        kill(all.first, signal)
        _ = try service?.process.wait(.seconds(60), "postgres")
        service = nil
        guard eventually({ all.rest.allSatisfy { Glibc.kill($0, 0) != 0 } }) else {
            throw TestFailure("processes of postgres are left")
        }
    }

    /// Stops all of its processes where they are, or lets them go on.
    public func signal(_ number: Int32) throws {
        let all = try processes()
        for process in [all.first] + all.rest { kill(process, number) }
    }

    /// The process that was started, and those that it has started.
    private func processes() throws -> (first: pid_t, rest: [pid_t]) {
        let file = String(decoding: try folder.read("data/postmaster.pid"), as: UTF8.self)
        guard let pid = file.split(separator: "\n").first.flatMap({ pid_t($0) }) else {
            throw TestFailure("postmaster.pid: \(file)")
        }
        let children = try Files.contents(of: "/proc/\(pid)/task/\(pid)/children")
        let rest = String(decoding: children, as: UTF8.self).split(separator: " ")
        return (pid, rest.compactMap { pid_t($0) })
    }

    /// Runs SQL as the superuser.
    @discardableResult
    public func run(_ sql: String, in database: String = "postgres") throws -> String {
        var tool = try Tool(
            "/usr/bin/psql",
            [
                "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d",
                "\(connection) dbname=\(database)",
                "-c", sql,
            ])
        tool.environment["PGCLIENTENCODING"] = "UTF8"
        let result = try tool.run()
        guard result.code == 0 else { throw TestFailure("psql: \(result.errors)") }
        return result.text
    }

    /// Arguments: `--ready-fd 9 FOLDER`. What is left at the end of the tests is removed here, since
    /// nobody else may be there any more.
    private static let script = """
        #!/bin/sh
        folder=$3
        bin=$(ls -d /usr/lib/postgresql/*/bin | tail -n 1)
        as=
        if [ "$(id -u)" = 0 ]; then
            as="setpriv --reuid=nobody --regid=nogroup --clear-groups"
            mkdir -p "$folder/data" && chown nobody "$folder/data" && chmod 1777 "$folder"
        fi
        trap 'kill -INT $server 2> /dev/null; wait; rm -rf "$folder"; exit 0' TERM
        cd /
        export LC_ALL=C
        [ -e "$folder/data/PG_VERSION" ] || $as "$bin/initdb" --pgdata "$folder/data" --username mail \\
            --auth trust --encoding UTF8 --no-sync --no-instructions > /dev/null || exit 1
        rm -f "$folder/.s.PGSQL.5432"
        $as "$bin/postgres" -D "$folder/data" -k "$folder" -c listen_addresses= -c fsync=off \\
            -c max_connections=20 -c shared_buffers=1MB -c dynamic_shared_memory_type=mmap \\
            -c wal_level=minimal -c max_wal_senders=0 9>&- &
        server=$!
        until "$bin/pg_isready" -q -h "$folder" 9>&-; do
            kill -0 $server 2> /dev/null || exit 1
            sleep 0.05
        done
        echo READY >&9
        exec 9>&-
        wait $server
        """
}
