// RedisServer: a real redis-server that a test starts, kills, hangs and starts again.
// SPDX-License-Identifier: MIT

import Glibc
import UnixIO

/// A server without files, on a Unix socket in its folder and, when wanted, on a port.
public final class RedisServer: @unchecked Sendable {
    /// The port; 0 without one.
    public private(set) var port: UInt16 = 0
    private let folder: TestFolder
    private let options: [String]
    private var process: Running?
    private var starts = 0

    /// Starts a server.
    /// - Throws: `TestFailure` with its log when it does not come up.
    public init(in folder: TestFolder, _ options: [String] = [], onPort: Bool = false) throws {
        self.folder = folder
        self.options = options
        // Between the look for a free port and its use somebody else may take it.
        for attempt in 1...5 {
            if onPort { port = try RedisServer.freePort() }
            do {
                try start()
                return
            } catch  where onPort && attempt < 5 {}
        }
    }

    /// The path of its socket.
    public var socket: String { folder.file("redis") }

    /// The value of `--store` for its socket.
    public var address: String { "redis+unix://\(socket)" }

    /// Starts it again.
    public func start() throws {
        starts += 1
        let log = folder.file("redis.log.\(starts)")
        let file = try Files.open(log, O_WRONLY | O_CREAT)
        let nothing = try Files.open("/dev/null", O_RDONLY)
        let arguments =
            ["--port", "\(port)", "--bind", "127.0.0.1", "--unixsocket", socket]
            + ["--save", "", "--appendonly", "no", "--dir", folder.path] + options
        var command = try Tool("/usr/bin/redis-server", arguments).command
        command.descriptors = [0: nothing.number, 1: file.number, 2: file.number]
        let process = Running(pid: try Spawner.shared.spawn(command))
        self.process = process
        let isUp = eventually {
            process.termination != nil || RedisServer.text(log).contains("eady to accept")
        }
        guard isUp, process.termination == nil else {
            throw TestFailure("redis-server: \(RedisServer.text(log))")
        }
    }

    /// Sends it a signal.
    public func signal(_ number: Int32) { process?.signal(number) }

    /// Kills it, and waits until it is gone.
    public func kill() throws {
        process?.signal(SIGKILL)
        try process?.wait(.seconds(30), "redis-server")
    }

    /// What redis-cli says to a command.
    public func ask(_ words: String...) throws -> String {
        try Tool("/usr/bin/redis-cli", ["-s", socket, "--raw"] + words).run().text
    }

    private static func text(_ path: String) -> String {
        String(decoding: (try? Files.contents(of: path)) ?? [], as: UTF8.self)
    }

    private static func freePort() throws -> UInt16 {
        guard let endpoint = InternetEndpoint(address: [127, 0, 0, 1], port: 0) else { return 0 }
        let listener = try InternetSocket.listen(on: endpoint, "127.0.0.1:0")
        return InternetSocket.localEndpoint(of: listener.borrowed)?.port ?? 0
    }
}
