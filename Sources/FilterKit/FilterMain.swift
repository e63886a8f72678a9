// FilterMain: the main of every filter: options, convention, exit code.
// filter-protocol(7).
// SPDX-License-Identifier: MIT

import Control
import Glibc
import MailModel
import UnixIO

/// Runs a filter.
public enum FilterMain {
    /// Reads the command line, serves or judges, and exits.
    public static func run<F: Filter>(_ filter: F.Type) -> Never {
        StandardDescriptors.fill()
        let operands = F.operands.isEmpty ? "" : "\(F.operands) "
        let usage = Usage(
            F.name, F.summary, operands: "\(operands)[-- next [argument ...]]",
            F.options + Setup.options)
        let options = usage.parseOrExit()
        do {
            exit(try exitCode(of: filter, options).rawValue)
        } catch {
            let error = FilterError(any: error)
            usage.fail(error.text, error.exit.rawValue)
        }
    }

    private static func exitCode<F: Filter>(
        of _: F.Type, _ options: Options
    ) throws -> FilterExit {
        let setup = try Setup(options)
        if setup.convention == .resident {
            try ResidentConvention<F>(setup: setup).run()
            return .accept
        }
        let facts = try setup.clientFacts()
        var filter = try F(setup)
        if let done = try filter.perform() { return done }
        switch setup.convention {
        case .queue:
            var queue = QueueConvention(
                next: try NextProgram(options.trailing ?? []), name: F.name,
                explains: setup.explains, facts: facts)
            try filter.open()
            return try queue.run(&filter)
        case .chain:
            let chain = try ChainConvention(setup, facts, F.name)
            Convention.forget()
            try filter.open()
            return try chain.run(&filter)
        case .qfilter:
            let qfilter = QfilterConvention(setup, facts, F.name)
            Convention.forget()
            try filter.open()
            return try qfilter.run(&filter)
        case .shell, .resident:
            var shell = try ShellConvention(setup, facts, F.name)
            Convention.forget()
            try filter.open()
            return try shell.run(&filter)
        }
    }
}

extension FilterError {
    /// Whatever was thrown while a filter started: what is not a `FilterError` is something that
    /// the administrator must correct.
    init(any error: any Error) {
        switch error {
        case let error as FilterError: self = error
        case let error as SystemError: self.init(error, otherwise: .badConfiguration)
        default: self = .configuration("\(error)")
        }
    }
}
