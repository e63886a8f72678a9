// Daemon: a server of somebody else that runs while a test talks to it.
// SPDX-License-Identifier: MIT

import Glibc
import UnixIO

/// A running program that knows nothing of ready lines. It is killed when the value ends.
public final class Daemon: Sendable {
    /// The process.
    public let process: Running
    private let path: String
    private let logPath: String

    /// Starts a program, and looks again and again until it is ready.
    /// - Throws: `TestFailure` with its log when it ends first or is not ready in time.
    public init(
        _ tool: Tool, log: String, limit: Duration = .seconds(60), isReady: () -> Bool
    ) throws {
        let file = try Files.open(log, O_WRONLY | O_CREAT | O_APPEND)
        let nothing = try Files.open("/dev/null", O_RDONLY)
        var command = try tool.command
        command.descriptors.merge([0: nothing.number, 1: file.number, 2: file.number]) { own, _ in
            own
        }
        path = tool.path
        logPath = log
        process = Running(pid: try Spawner.shared.spawn(command))
        let process = process
        guard eventually(within: limit, { process.termination != nil || isReady() }), isReady()
        else { throw TestFailure("\(path) did not get ready; it logged:\n\(self.log)") }
    }

    /// What it wrote to descriptors 1 and 2.
    public var log: String {
        String(decoding: (try? Files.contents(of: logPath)) ?? [], as: UTF8.self)
    }

    /// Ends it with a signal and waits.
    @discardableResult
    public func stop(_ signal: Int32 = SIGTERM) throws -> Termination {
        process.signal(signal)
        return try process.wait(.seconds(60), path)
    }
}
