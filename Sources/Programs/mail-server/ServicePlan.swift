// ServicePlan: which programs make the server, in which order, with which arguments.
// mail-server(8).
// SPDX-License-Identifier: MIT

import Control
import FilterChain
import Glibc
import MailModel
import UnixIO
import Workers

/// A program that is not there.
struct MissingProgram: Error, CustomStringConvertible {
    let name: String

    var description: String { "\(name): no such program beside mail-server or in PATH" }
}

/// The configuration as far as mail-server reads it, and the programs that follow from it.
struct ServicePlan {
    /// Filters first, the door to the world last: no client meets a server that is not whole.
    private static let services = [
        ["queue-message", "auth-check", "deliver-local", "deliver-remote"], ["queue-manager"],
        ["smtp-server"],
    ]

    private let root: Root
    private let chain: Chain
    /// True where there is a source of passwords.
    private let checksLogins: Bool
    private let listeners: [Listener]
    /// What whoever started us listens on, such as systemd.
    private let passed = PassedSocket.all()
    /// Nil when all is the user that started us.
    private let users: ServiceUsers?

    /// Reads the configuration.
    /// - Throws: what is wrong in it, with file and line, before anything is started.
    init(_ root: Root, _ users: ServiceUsers?) throws {
        self.root = root
        self.users = users
        let control = root.control
        _ = try control.me()
        _ = try AcceptedDomains(control)
        _ = try control.relayClients()
        _ = try control.bareLineFeedClients()
        _ = try control.resolver()
        listeners = try control.listeners()
        guard !listeners.isEmpty || !passed.isEmpty else {
            throw control.invalid(
                "listen", nil, "nothing to listen on; a line is smtp ADDRESS:PORT")
        }
        chain = try Chain(root)
        checksLogins =
            try Files.status(control.file("auth")) != nil
            || Files.status("\(root.configuration)/users") != nil
    }

    /// Makes the folders that everything else needs.
    /// - Throws: `ForeignFolder`, or `SystemError`.
    func makeFolders() throws {
        if let users { try ServiceFolders(root: root, users: users).make() }
        try Files.makeFolders("\(root.run)/filters")
    }

    /// The programs, group by group.
    /// - Throws: `MissingProgram`, or `SystemError` when a socket cannot be made.
    func groups(_ lock: borrowing ServerLock) throws -> [[SupervisedProgram]] {
        // Kept for as long as this process runs: services never read what we were started with,
        // which may be a terminal or somebody's connection.
        let nothing = try Files.open("/dev/null", O_RDONLY).take()
        let lock = lock.descriptor
        try removeOldSockets()
        var filters = try chain.residentSteps.map { step in
            let program = try program(step.name, step.program, step.arguments, nothing, lock)
            return SupervisedProgram("filters/\(step.name)", program)
        }
        // What is started for each message would else be started by smtp-server, as its user.
        for name in users == nil ? [] : chain.startedSteps {
            guard let path = Programs.find("filter-chain") else {
                throw MissingProgram(name: "filter-chain")
            }
            let arguments = root.arguments + ["--serve-step", name]
            let program = try program(name, path, arguments, nothing, lock)
            filters.append(SupervisedProgram("filters/\(name)", program))
        }
        let services = try Self.services.map { names in
            try names.filter { checksLogins || $0 != "auth-check" }.map { name in
                guard let path = Programs.find(name) else { throw MissingProgram(name: name) }
                let arguments = root.arguments + serving(name)
                return SupervisedProgram(name, try program(name, path, arguments, nothing, lock))
            }
        }
        return [filters] + services
    }

    /// The sockets of steps that an earlier server had: where there is one somebody must serve it.
    private func removeOldSockets() throws(SystemError) {
        for name in try Files.names(in: "\(root.run)/filters") {
            try Files.unlink(root.filterSocket(name))
        }
    }

    /// One program, with the sockets that it is given and the lock that it inherits.
    private func program(
        _ name: String, _ path: String, _ arguments: [String], _ nothing: Int32, _ lock: Int32
    ) throws -> Command {
        var environment = Environment.all(
            without: Set(Facts.conventionVariables + ["CHAINMAIL_ROOT"]))
        if let folder = root.folder { environment.append("CHAINMAIL_ROOT=\(folder)") }
        var command = Command(path, arguments, environment: environment)
        command.descriptors = [0: nothing]
        if name == "smtp-server" { command.sockets = passed }
        if let users {
            let terms = ServiceTerms(of: name, users)
            terms.apply(to: &command, users)
            if let access = terms.access {
                let path = isStep(name) ? root.filterSocket(name) : root.socket(name)
                command.sockets = [try ServiceSockets.listen(at: path, access)]
            } else if name == "smtp-server", passed.isEmpty {
                command.sockets = try ServiceSockets.listen(on: listeners)
            }
        }
        command.descriptors[command.freeDescriptor] = lock
        return command
    }

    /// The names of steps begin with a digit.
    private func isStep(_ name: String) -> Bool { name.utf8.first?.isASCIIDigit ?? false }

    /// What makes a service of a program that can also be run once.
    private func serving(_ name: String) -> [String] {
        switch name {
        case "queue-message": ["--serve"]
        case "auth-check", "deliver-local", "deliver-remote": ["--serve", root.socket(name)]
        default: []
        }
    }
}
