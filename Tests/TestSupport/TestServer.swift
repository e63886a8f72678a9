// TestServer: a complete mail server in a folder of its own, on a port that the kernel chose.
// mail-server(8).
// SPDX-License-Identifier: MIT

import Foundation
import Glibc
import MailModel
import UnixIO

/// The folder of this repository.
public let repository = URL(fileURLWithPath: #filePath).resolvingSymlinksInPath()
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().path

/// A root as `make run` makes it, with a name server of its own, and the server on it. Tests that
/// share one only send to it: `start` and `stop` are for a server that one test has.
public final class TestServer: @unchecked Sendable {
    /// Holds the root.
    public let folder: TestFolder
    /// The root: `--root`.
    public var root: String { folder.file("root") }
    /// The server; nil before `start` and after it was stopped.
    public private(set) var service: Service?
    /// The port of the first listener.
    public private(set) var port: UInt16 = 0
    private let zone: Service
    /// The `ADDRESS:PORT` of its name server.
    public var resolver: String { zone.ready }
    private var starts = 0

    /// Makes the root and starts the name server, with the demonstration's zone and these lines
    /// after it, but not the server. The root is in a folder below `parent`, as `TestFolder` is.
    public init(zone lines: String = "", in parent: String? = nil) throws {
        folder = try TestFolder(in: parent)
        let make = try Tool(
            "\(repository)/scripts/make-root", [folder.file("root"), "127.0.0.1:0"])
        let result = try make.run()
        guard result.code == 0 else { throw TestFailure("make-root: \(result.errors)") }
        let demo = try String(contentsOfFile: "\(repository)/demo/example.zone", encoding: .utf8)
        zone = try Service.zone("\(demo)\n\(lines)\n", in: folder)
        try control("resolver", zone.ready)
        // A virus database of the host is megabytes of what no test needs.
        try edit("50-virus-scan") {
            $0.replacingOccurrences(
                of: "--fallback-database", with: "--database")
        }
    }

    /// Writes a control file.
    public func control(_ name: String, _ text: String) throws {
        try folder.write("root/etc/control/\(name)", "\(text)\n")
    }

    /// Writes a step of the chain.
    public func step(_ name: String, _ text: String, mode: Int = 0o600) throws {
        try folder.write("root/etc/filters.d/\(name)", text, mode: mode)
    }

    /// Changes a step of the chain.
    public func edit(_ name: String, _ change: (String) -> String) throws {
        let text = String(decoding: try folder.read("root/etc/filters.d/\(name)"), as: UTF8.self)
        try step(name, change(text))
    }

    /// Leaves these steps in the chain and no others.
    public func keepSteps(_ names: Set<String>) throws {
        for name in folder.names(in: "root/etc/filters.d") where !names.contains(name) {
            try FileManager.default.removeItem(atPath: "\(root)/etc/filters.d/\(name)")
        }
    }

    /// The server as it would be started.
    public func tool() throws -> Tool { try Tool("mail-server", ["--root", root, "--one-user"]) }

    /// Starts the server, changed as the test wants it, and waits until all of it is ready.
    /// - Throws: `TestFailure` with the log when it does not get ready.
    public func start(_ change: (inout Tool) -> Void = { _ in }) throws {
        starts += 1
        var tool = try self.tool()
        change(&tool)
        let service = try Service(
            tool, log: folder.file("mail-server.\(starts).log"), limit: .seconds(150))
        self.service = service
        let prefix = "ready smtp-server smtp=127.0.0.1:"
        guard let line = service.log.split(separator: "\n").first(where: { $0.hasPrefix(prefix) }),
            let port = UInt16(line.dropFirst(prefix.count).prefix { $0.isNumber })
        else { throw TestFailure("no port in the log:\n\(service.log)") }
        self.port = port
        // Clients find a service that is started again where it was.
        try control("listen", "smtp 127.0.0.1:\(port)")
    }

    /// Ends the server and waits for it.
    @discardableResult
    public func stop(_ signal: Int32 = SIGTERM) throws -> Termination? {
        defer { service = nil }
        return try service?.stop(signal)
    }

    /// What all programs logged since the last start.
    public var log: String { service?.log ?? "" }

    /// A connection to it, with EHLO said.
    public func connect() throws -> SMTPConversation {
        let conversation = try SMTPConversation(port: port)
        try conversation.say("EHLO client.example.test")
        return conversation
    }

    /// The messages in a mailbox's Maildir.
    public func messages(of localPart: String, at domain: String = "example.test") -> [[UInt8]] {
        let new = "root/mail/\(domain)/\(localPart)/Maildir/new"
        return folder.names(in: new).compactMap { try? folder.read("\(new)/\($0)") }
    }

    /// The processes below the server, those whose command line holds a word or all, parents first.
    public func processes(_ word: String? = nil) -> [pid_t] {
        guard let parent = service?.process.pid else { return [] }
        return Processes.below(parent).filter { pid in
            word.map { Processes.commandLine(of: pid).contains($0) } ?? true
        }
    }
}

/// What /proc says of processes.
public enum Processes {
    /// The command line with blanks between its words; empty when the process is gone.
    public static func commandLine(of pid: pid_t) -> String {
        let bytes = (try? Files.contents(of: "/proc/\(pid)/cmdline")) ?? []
        return String(decoding: bytes.map { $0 == 0 ? 0x20 : $0 }, as: UTF8.self)
    }

    /// Children, and their children, and so on.
    public static func below(_ parent: pid_t) -> [pid_t] {
        var children: [pid_t: [pid_t]] = [:]
        for name in (try? Files.names(in: "/proc")) ?? [] {
            guard let pid = pid_t(name),
                let status = try? Files.contents(of: "/proc/\(name)/stat"),
                // The name in parentheses may hold blanks and parentheses.
                let end = status.lastIndex(of: 0x29)
            else { continue }
            let fields = status[(end + 1)...].split(separator: 0x20)
            guard fields.count > 1, let above = fields[1].decimalValue else { continue }
            children[pid_t(above), default: []].append(pid)
        }
        var found: [pid_t] = []
        var next = [parent]
        while !next.isEmpty {
            next = next.flatMap { children[$0] ?? [] }
            found += next
        }
        return found
    }
}
