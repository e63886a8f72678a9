// ServerSettings: options from the command line, else from control/smtpserver.
// smtp-server(8), section FILES.
// SPDX-License-Identifier: MIT

import Control
import MailModel

/// What was given, wherever it was. mail-server starts smtp-server without options, so each of
/// them can stand in a control file too, one a line and without its hyphens; the command line wins.
struct ServerSettings {
    /// The control file.
    static let file = "smtpserver"
    /// What the file may not say: it is found by the first, and the others are for who starts us.
    private static let notInFile = [
        "root", "ready-fd", "filters-apart", "listen", "service", "help", "version",
    ]

    private let line: Options
    let file: Options

    /// - Throws: `ControlError` that names the line of the file.
    init(_ line: Options, _ control: ControlFolder) throws(ControlError) {
        self.line = line
        var words: [[UInt8]] = []
        for entry in try control.list(ServerSettings.file) ?? [] {
            let name = entry.bytes.prefix { !$0.isBlank }
            let value = entry.bytes[name.endIndex...].drop(while: \.isBlank)
            let option = Array("--".utf8) + name
            words += value.isEmpty ? [option] : [option, Array(value)]
            let isOurs = !ServerSettings.notInFile.contains { name.elementsEqual($0.utf8) }
            do {
                guard isOurs else { throw UsageError("not to be said here: \(name.printable)") }
                // Everything up to here, so that what is wrong is in this line.
                _ = try ServerOptions.usage.parse(words)
            } catch {
                throw control.invalid(ServerSettings.file, entry.number, "\(error)")
            }
        }
        do {
            file = try ServerOptions.usage.parse(words)
        } catch {
            throw control.invalid(ServerSettings.file, nil, "\(error)")
        }
    }

    /// The value, by whatever `read` makes of the options where it stands.
    func value<Value>(
        _ name: String, _ read: (Options) throws(UsageError) -> Value?
    ) throws -> Value? {
        if line.has(name) { return try read(line) }
        do throws(UsageError) {
            return try read(file)
        } catch {
            throw UsageError("control/\(ServerSettings.file): \(error)")
        }
    }

    func has(_ name: String) -> Bool { line.has(name) || file.has(name) }

    func duration(_ name: String) throws -> Duration? {
        try value(name) { options throws(UsageError) in try options.duration(name) }
    }

    func integer(_ name: String, in bounds: ClosedRange<Int> = 0...Int(Int32.max)) throws -> Int? {
        try value(name) { options throws(UsageError) in try options.integer(name, in: bounds) }
    }

    func size(_ name: String) throws -> Int? {
        try value(name) { options throws(UsageError) in try options.size(name) }
    }

    func range(_ name: String) throws -> ClosedRange<Int>? {
        try value(name) { options throws(UsageError) in try options.range(name) }
    }
}
