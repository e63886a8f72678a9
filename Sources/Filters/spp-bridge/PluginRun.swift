// PluginRun: one plugin, from its start to its last word.
// qmail-spp's documentation, Writing plugins.
// SPDX-License-Identifier: MIT

import Control
import FilterKit
import Glibc
import MailModel
import UnixIO

/// Starts a plugin and takes what it writes to descriptor 1.
struct PluginRun {
    /// More than a plugin can have to say.
    static let limit = 65_536

    let plugin: Plugin
    let folder: String
    let timeLimit: Duration

    /// The commands up to the one that is the last word. Its exit code says nothing, but for 120.
    /// - Throws: `FilterError` when it cannot be run, dies, takes too long or says too much.
    func output(_ variables: [(name: String, value: [UInt8])]) throws(FilterError) -> [UInt8] {
        do throws(SystemError) {
            let deadline = Deadline.after(timeLimit)
            let pipe = try OwnedPipe()
            let reading = try Files.open("/proc/self/fd/\(pipe.reading.rawValue)", O_RDONLY)
            let child = try start(variables, pipe)
            guard let said = try listen(to: reading.borrowed, deadline) else {
                _ = try child.waitOrKill(.after(.zero))
                throw SystemError("wait", "plugin \(plugin.name)", .timedOut)
            }
            // Nobody listens any more, as with qmail-smtpd.
            _ = consume reading
            guard let end = try child.waitOrKill(deadline, endingGroup: true) else {
                throw SystemError("wait", "plugin \(plugin.name)", .timedOut)
            }
            switch end {
            case .killed(SIGPIPE) where said.isLast: break
            case .exited(let code) where code != 120: break
            case .exited, .killed:
                throw SystemError("run", "plugin \(plugin.name) (\(end))", .ioError)
            }
            return said.bytes
        } catch {
            throw FilterError(error, otherwise: .defer)
        }
    }

    private func start(
        _ variables: [(name: String, value: [UInt8])], _ pipe: consuming OwnedPipe
    ) throws(SystemError) -> Child {
        // The ends of the pipe do not block; a plugin expects that its descriptors do.
        let output = try Files.open("/proc/self/fd/\(pipe.writing.rawValue)", O_WRONLY)
        let input = try Files.open("/dev/null", O_RDONLY)
        var command = Command(plugin.path, plugin.arguments, environment: [])
        let ours = Set(
            variables.map(\.name) + Facts.variables.map(\.variable) + Facts.conventionVariables
                + ["ERROR_FD"])
        command.variables = Environment.allBytes(without: ours)
        command.variables += variables.map { Array("\($0.name)=".utf8) + $0.value }
        command.descriptors = [0: input.number, 1: output.number]
        command.folder = folder
        command.hasOwnGroup = true
        command.deathSignal = SIGKILL
        return try Child(command)
    }

    /// Reads until a last word or the end; nil when the time is over first.
    private func listen(
        to pipe: Descriptor, _ deadline: Deadline
    ) throws(SystemError) -> (bytes: [UInt8], isLast: Bool)? {
        var bytes: [UInt8] = []
        var line = 0
        var chunk = [UInt8](repeating: 0, count: 4096)
        while true {
            guard try pipe.wait(.toRead, until: deadline, "plugin's output") else { return nil }
            let got = try chunk.withUnsafeMutableBytes { buffer in
                Result { () throws(SystemError) in
                    try pipe.readSome(into: buffer, "plugin's output")
                }
            }.get()
            if got == 0 { return (bytes, false) }
            bytes += chunk[..<got]
            guard bytes.count <= Self.limit else {
                throw SystemError("read", "output of plugin \(plugin.name)", .fileTooLarge)
            }
            while let end = bytes[line...].firstIndex(of: 0x0A) {
                if Self.lastWords.contains(bytes[line]) { return (Array(bytes[...end]), true) }
                line = end + 1
            }
        }
    }

    /// `A`, `N`, `O`, `E`, `R` and `D`.
    private static let lastWords = Set("ANOERD".utf8)
}
