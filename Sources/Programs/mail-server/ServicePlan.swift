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
    /// The number of the inherited lock in the services.
    private static let lockNumber: Int32 = 4

    /// Filters first, the door to the world last: no client meets a server that is not whole.
    private static let services = [
        ["queue-message", "auth-check", "deliver-local", "deliver-remote"], ["queue-manager"],
        ["smtp-server"],
    ]

    private let root: Root
    private let steps: [ResidentStep]
    /// True where there is a source of passwords.
    private let checksLogins: Bool

    /// Reads the configuration.
    /// - Throws: what is wrong in it, with file and line, before anything is started.
    init(_ root: Root) throws {
        self.root = root
        let control = root.control
        _ = try control.me()
        _ = try AcceptedDomains(control)
        _ = try control.relayClients()
        _ = try control.bareLineFeedClients()
        _ = try control.resolver()
        guard try !control.listeners().isEmpty else {
            throw control.invalid(
                "listen", nil, "nothing to listen on; a line is smtp ADDRESS:PORT")
        }
        steps = try Chain(root).residentSteps
        checksLogins =
            try Files.status(control.file("auth")) != nil
            || Files.status("\(root.configuration)/users") != nil
    }

    /// The programs, group by group.
    /// - Throws: `MissingProgram`, or `SystemError` when a folder cannot be made.
    func groups(_ lock: borrowing ServerLock) throws -> [[SupervisedProgram]] {
        try Files.makeFolders("\(root.run)/filters")
        // Kept for as long as this process runs: services never read what we were started with,
        // which may be a terminal or somebody's connection.
        let nothing = try Files.open("/dev/null", O_RDONLY).take()
        var environment = Environment.all(
            without: Set(Facts.conventionVariables + ["CHAINMAIL_ROOT"]))
        if let folder = root.folder { environment.append("CHAINMAIL_ROOT=\(folder)") }
        let descriptors = [0: nothing, Self.lockNumber: lock.descriptor]
        func program(_ name: String, _ path: String, _ arguments: [String]) -> SupervisedProgram {
            var command = Command(path, arguments, environment: environment)
            command.descriptors = descriptors
            return SupervisedProgram(name, command)
        }
        let filters = steps.map { step in
            program("filters/\(step.name)", step.program, step.arguments)
        }
        let services = try Self.services.map { names in
            try names.filter { checksLogins || $0 != "auth-check" }.map { name in
                guard let path = Programs.find(name) else { throw MissingProgram(name: name) }
                return program(name, path, root.arguments + serving(name))
            }
        }
        return [filters] + services
    }

    /// What makes a service of a program that can also be run once.
    private func serving(_ name: String) -> [String] {
        switch name {
        case "queue-message": ["--serve"]
        case "auth-check", "deliver-local", "deliver-remote": ["--serve", root.socket(name)]
        default: []
        }
    }
}
