// ResidentSteps: filter-chain --serve: the resident steps alone, where another program receives
// the mail. filter-chain(8).
// SPDX-License-Identifier: MIT

import Control
import FilterChain
import Glibc
import MailModel
import UnixIO
import Workers

/// Starts the resident steps of a chain and keeps them running.
struct ResidentSteps {
    let chain: Chain
    let root: Root

    /// Until SIGTERM or SIGINT.
    /// - Throws: `Failure` when somebody else serves the root's steps, `SupervisorError` when one
    ///   of them does not start.
    func run(_ options: Options) throws {
        let ready = try options.integer("ready-fd", in: 3...1023).map { OwnedDescriptor(Int32($0)) }
        try Files.makeFolders("\(root.run)/filters")
        let lock = try lock()
        let nothing = try Files.open("/dev/null", O_RDONLY)
        var environment = Environment.all(
            without: Set(Facts.conventionVariables + ["CHAINMAIL_ROOT"]))
        if let folder = root.folder { environment.append("CHAINMAIL_ROOT=\(folder)") }
        let programs = chain.residentSteps.map { step in
            var command = Command(step.program, step.arguments, environment: environment)
            command.descriptors = [0: nothing.number]
            return SupervisedProgram("filters/\(step.name)", command)
        }
        let log = Log("filter-chain")
        var supervisor = try Supervisor(
            [programs], log: log,
            announce: { name, _ in log.event("ready", ["service": name]) })
        try supervisor.run {
            switch ready {
            case .none: break
            // Whoever started us and does not listen any more has no use for the word.
            case .some(let ready): try? ready.borrowed.writeAll(Array("READY\n".utf8), "ready")
            }
        }
        withExtendedLifetime((lock.number, nothing.number)) {}
    }

    /// mail-server serves the steps too: its lock is ours.
    private func lock() throws -> OwnedDescriptor {
        let path = "\(root.run)/mail-server.lock"
        let file = try Files.open(path, O_RDWR | O_CREAT)
        guard try file.borrowed.tryLock(path) else {
            let pid = try file.borrowed.bytes(at: 0, count: 20, path).trimmed.printable
            throw Failure(.badConfiguration, "process \(pid) serves the steps of \(root.run)")
        }
        try file.borrowed.truncate(to: 0, path)
        try file.borrowed.writeAll(Array("\(getpid())\n".utf8), path)
        return file
    }
}
