// Usage: the options that a program declares, and the help that follows from them.
// chainmail(7), section OPTIONS.
// SPDX-License-Identifier: MIT

import Glibc
import MailModel
import UnixIO

/// What a program takes on its command line.
public struct Usage: Sendable {
    /// One option that is declared.
    public struct Option: Hashable, Sendable {
        enum Form: Hashable, Sendable {
            case flag
            case value(String)
            case values(String)
        }

        /// Without the two hyphens.
        public let name: String
        let form: Form
        let help: String

        /// An option without a value.
        public static func flag(_ name: String, _ help: String) -> Option {
            Option(name: name, form: .flag, help: help)
        }

        /// An option with a value; `value` is its name in the help, in capitals.
        public static func value(_ name: String, _ value: String, _ help: String) -> Option {
            Option(name: name, form: .value(value), help: help)
        }

        /// An option with a value that may be given several times.
        public static func values(_ name: String, _ value: String, _ help: String) -> Option {
            Option(name: name, form: .values(value), help: help)
        }

        /// `--root DIR`.
        public static let root = value(
            "root", "DIR", "work below this folder instead of the system's folders")

        /// `--ready-fd N`, for who is started by mail-server.
        public static let readyDescriptor = value(
            "ready-fd", "N", "write READY and a line end to this descriptor when ready")
    }

    let program: String
    let summary: String
    let operands: String
    let options: [Option]

    /// Declares a program. `--help` and `--version` are there by themselves. `operands` is what
    /// follows the options in the help, such as `[-- next [argument ...]]`; operands are refused
    /// when it is empty.
    public init(_ program: String, _ summary: String, operands: String = "", _ options: [Option]) {
        self.program = program
        self.summary = summary
        self.operands = operands
        self.options =
            options + [
                .flag("help", "print this and exit"),
                .flag("version", "print the version and exit"),
            ]
    }

    /// Reads a command line without the program's name. An option that takes one value and is
    /// given twice is an error.
    /// - Throws: `UsageError`; for an unknown option it names the nearest known ones.
    public func parse(_ arguments: [[UInt8]]) throws(UsageError) -> Options {
        var result = Options()
        var rest = arguments[...]
        while let argument = rest.popFirst() {
            if argument == [0x2D, 0x2D] {
                guard operands.contains("--") else { throw UsageError("nothing may follow --") }
                result.end(with: rest)
                return result
            }
            guard argument.starts(with: [0x2D]), argument.count > 1 else {
                guard !operands.isEmpty, !operands.hasPrefix("[--") else {
                    throw UsageError("no operand is expected: \(argument.printable)")
                }
                result.addOperand(argument)
                continue
            }
            try read(argument, &rest, into: &result)
        }
        return result
    }

    /// Reads this process's command line. Prints help or version and exits 0 when asked to;
    /// prints one line and exits with `misuse` when the command line is wrong: 55 for filters, 64
    /// for the administrator's tools.
    public func parseOrExit(misuse: Int32 = FilterExit.badConfiguration.rawValue) -> Options {
        do throws(UsageError) {
            let options = try parse(Usage.processArguments)
            if options.has("help") { Usage.printAndExit(help) }
            if options.has("version") { Usage.printAndExit("\(program) \(chainmailVersion)\n") }
            return options
        } catch {
            fail("\(error)", misuse)
        }
    }

    /// Prints `PROGRAM: text` on descriptor 2 and exits.
    public func fail(_ text: String, _ code: Int32) -> Never {
        // There is nowhere to say that this cannot be written.
        try? Descriptor(rawValue: 2).writeAll(Array("\(program): \(text)\n".utf8), "standard error")
        exit(code)
    }

    /// The text of `--help`.
    public var help: String {
        let words = ["usage:", program, "[options]", operands].filter { !$0.isEmpty }
        let names = options.map { option in
            switch option.form {
            case .flag: "--\(option.name)"
            case .value(let value): "--\(option.name) \(value)"
            case .values(let value): "--\(option.name) \(value) ..."
            }
        }
        let width = min(30, names.map(\.utf8.count).max() ?? 0)
        let lines = zip(names, options).map { name, option in
            let gap = String(repeating: " ", count: max(1, width + 2 - name.utf8.count))
            return "  \(name)\(gap)\(option.help)\n"
        }
        return "\(words.joined(separator: " "))\n\(summary)\n\n\(lines.joined())"
    }

    /// This process's arguments without its name, byte for byte.
    public static var processArguments: [[UInt8]] {
        (1..<max(1, Int(CommandLine.argc))).compactMap { index in
            CommandLine.unsafeArgv[index].map {
                [UInt8](UnsafeRawBufferPointer(start: $0, count: strlen($0)))
            }
        }
    }

    private func read(
        _ argument: [UInt8], _ rest: inout ArraySlice<[UInt8]>, into result: inout Options
    ) throws(UsageError) {
        let equals = argument.firstIndex(of: 0x3D)
        let word = argument[..<(equals ?? argument.endIndex)]
        guard word.starts(with: [0x2D, 0x2D]),
            let option = options.first(where: { word.dropFirst(2).elementsEqual($0.name.utf8) })
        else { throw UsageError(unknown(word.printable)) }
        var value = equals.map { Array(argument[($0 + 1)...]) }
        if option.form == .flag {
            guard value == nil else { throw UsageError("--\(option.name) takes no value") }
        } else {
            value = value ?? rest.popFirst()
            guard value != nil else { throw UsageError("--\(option.name) needs a value") }
        }
        if case .value = option.form, result.has(option.name) {
            throw UsageError("--\(option.name) was given twice")
        }
        result.add(option.name, value ?? [])
    }

    private func unknown(_ word: String) -> String {
        let near = Usage.nearest(to: word, among: options.map { "--\($0.name)" })
        let hint = near.isEmpty ? "see --help" : "did you mean \(near.joined(separator: " or "))?"
        return "no option \(word); \(hint)"
    }

    private static func printAndExit(_ text: String) -> Never {
        do {
            try Descriptor(rawValue: 1).writeAll(Array(text.utf8), "standard output")
        } catch {
            exit(FilterExit.cannotWrite.rawValue)
        }
        exit(0)
    }
}
