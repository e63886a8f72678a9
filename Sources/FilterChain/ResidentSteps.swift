// ResidentSteps: keeps the resident steps of a chain running.
// filter-chain(8), option --serve.
// SPDX-License-Identifier: MIT

public import Control
import Glibc
import MailModel
public import UnixIO
public import Workers

/// Another process serves the steps of a root.
public struct StepsServedError: Error, CustomStringConvertible {
    /// One line.
    public let description: String
}

/// Starts the resident steps of a chain and keeps them running.
public struct ResidentSteps {
    private let chain: Chain
    private let root: Root

    /// The steps of a chain, whose sockets are those of the root.
    public init(chain: Chain, root: Root) {
        self.chain = chain
        self.root = root
    }

    /// Supervises the steps, and after them `others`, until SIGTERM or SIGINT. `ready` is called
    /// when all are.
    /// - Throws: `StepsServedError` when somebody else serves the root's steps, `SupervisorError`
    ///   when one of the programs does not start, `SystemError`.
    public func run(log: Log, and others: [SupervisedProgram] = [], ready: () -> Void) throws {
        try Files.makeFolders("\(root.run)/filters")
        let lock = try lock()
        let nothing = try Files.open("/dev/null", O_RDONLY)
        let environment = ResidentSteps.environment(root)
        let programs = chain.residentSteps.map { step in
            var command = Command(step.program, step.arguments, environment: environment)
            command.descriptors = [0: nothing.number]
            return SupervisedProgram("filters/\(step.name)", command)
        }
        var supervisor = try Supervisor(
            [programs, others], log: log,
            announce: { name, _ in log.event("ready", ["service": name]) })
        try supervisor.run(ready: ready)
        withExtendedLifetime((lock.number, nothing.number)) {}
    }

    /// The environment of a program that works on the root.
    public static func environment(_ root: Root) -> [String] {
        Environment.all(without: Set(Facts.conventionVariables + ["CHAINMAIL_ROOT"]))
            + (root.folder.map { ["CHAINMAIL_ROOT=\($0)"] } ?? [])
    }

    /// mail-server serves the steps too: its lock is ours.
    private func lock() throws -> OwnedDescriptor {
        let path = "\(root.run)/mail-server.lock"
        let file = try Files.open(path, O_RDWR | O_CREAT)
        guard try file.borrowed.tryLock(path) else {
            let pid = try file.borrowed.bytes(at: 0, count: 20, path).trimmed.printable
            throw StepsServedError(
                description: "process \(pid) serves the steps of \(root.run)")
        }
        try file.borrowed.truncate(to: 0, path)
        try file.borrowed.writeAll(Array("\(getpid())\n".utf8), path)
        return file
    }
}
