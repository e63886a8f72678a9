// PluginList: which plugins run at which stage.
// qmail-spp's documentation, control/smtpplugins.
// SPDX-License-Identifier: MIT

import Control
import Glibc
import MailModel
import UnixIO

/// A plugin: a program without arguments, or a line for the shell.
struct Plugin: Sendable {
    /// As the file or the option has it.
    let name: String
    let path: String
    let arguments: [String]

    /// - Throws: `UsageError` when there is no such program.
    init(_ name: String, in folder: String, _ place: String) throws(UsageError) {
        self.name = name
        if name.hasPrefix(":") {
            path = "/bin/sh"
            arguments = ["-c", String(name.dropFirst())]
        } else {
            path = name.hasPrefix("/") ? name : "\(folder)/\(name)"
            arguments = []
        }
        guard access(path, X_OK) == 0 else { throw UsageError("\(place): \(path): not a program") }
    }
}

/// The plugins of a file, and those of the command line.
struct PluginList: Sendable {
    /// Where relative names are looked up, and where plugins run.
    let folder: String
    private var always: [Plugin] = []
    private var byStage: [Stage: [Plugin]] = [:]

    /// Reads `--plugin`, `--file` and `--folder`.
    init(_ options: Options) throws {
        folder = options["folder"] ?? "/var/qmail"
        _ = try Files.openFolder(folder)
        for name in options.all("plugin") {
            always.append(try Plugin(name, in: folder, "--plugin"))
        }
        if let path = options["file"] { try read(path) }
        guard options.has("file") || !always.isEmpty else {
            throw UsageError("give --plugin PATH or --file FILE")
        }
    }

    func all(at stage: Stage) -> [Plugin] { always + (byStage[stage] ?? []) }

    /// Sections go by their first letter. Those of AUTH, and of recipients that were accepted, have
    /// no stage here.
    private mutating func read(_ path: String) throws {
        let stages: [UInt8: Stage] = [
            0x63: .connect, 0x68: .helo, 0x6D: .mail, 0x72: .rcpt, 0x64: .data,
        ]
        var stage: Stage?
        var number = 0
        let lines = try Files.contents(of: path, limit: 1 << 20)
            .split(separator: 0x0A, omittingEmptySubsequences: false)
        for line in lines {
            number += 1
            let end = line.lastIndex { !$0.isBlank && $0 != 0x0D }.map { $0 + 1 }
            let text = line[..<(end ?? line.startIndex)]
            guard let first = text.first, first != 0x23 else { continue }
            if first == 0x5B {
                stage = text.dropFirst().first.flatMap { stages[$0] }
            } else if let stage {
                let name = String(decoding: text, as: UTF8.self)
                byStage[stage, default: []].append(
                    try Plugin(name, in: folder, "\(path):\(number)"))
            }
        }
    }
}
