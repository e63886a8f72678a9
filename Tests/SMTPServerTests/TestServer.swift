// TestServer: an smtp-server and a queue-message on a root folder of their own.
// SPDX-License-Identifier: MIT

import Foundation
import Glibc
import MailModel
import TestSupport
import UnixIO

/// A running server. Everything is killed when the value ends.
final class TestServer {
    let folder: TestFolder
    private(set) var queue: Service?
    private(set) var server: Service
    /// What was started before the server, for it to ask.
    let companion: Service?
    let port: UInt16

    /// Starts a server with control files and steps of filters.d, by their names, besides those
    /// that it must have. A step is executable when it begins with `#!`.
    init(
        control: [String: String] = [:], steps: [String: String] = [:], options: [String] = [],
        workers: String = "2-40", hasQueue: Bool = true,
        companion: (TestFolder) throws -> Service? = { _ in nil }
    ) throws {
        folder = try TestFolder()
        try folder.write("etc/filters.d/.keep", "")
        let files = ["me": "mx.example.test\n", "locals": "example.test\n"]
        for (name, text) in files.merging(control, uniquingKeysWith: { $1 }) {
            try folder.write("etc/control/\(name)", text)
        }
        for (name, text) in steps {
            let mode = text.hasPrefix("#!") ? 0o700 : 0o600
            try folder.write("etc/filters.d/\(name)", text, mode: mode)
        }
        try folder.write("run/.keep", "")
        self.companion = try companion(folder)
        queue = hasQueue ? try TestServer.startQueue(folder) : nil
        server = try Service(
            try Tool(
                "smtp-server",
                ["--root", folder.path, "--listen", "127.0.0.1:0", "--workers", workers] + options),
            log: folder.file("smtp-server.log"))
        guard let port = UInt16(server.ready.split(separator: ":").last ?? "") else {
            throw TestFailure("no port in \(server.ready)")
        }
        self.port = port
    }

    private static func startQueue(_ folder: TestFolder) throws -> Service {
        try Service(
            try Tool("queue-message", ["--serve", "--root", folder.path, "--workers", "2-8"]),
            log: folder.file("queue-message.log"))
    }

    /// Ends the server.
    func stop() throws -> Termination { try server.stop() }

    /// The processes of its workers.
    func workers() throws -> [pid_t] { try children().filter { !isHolder($0) } }

    /// The process that holds connections which say nothing; nil at a moment when there is none.
    func holder() throws -> pid_t? { try children().first(where: isHolder) }

    /// How many sockets that process has open; the first ones are its own.
    func heldSockets() throws -> Int {
        guard let holder = try holder() else { return 0 }
        return try FileManager.default.contentsOfDirectory(atPath: "/proc/\(holder)/fd").count
    }

    private func children() throws -> [pid_t] {
        let pid = server.process.pid
        let children = try Files.contents(of: "/proc/\(pid)/task/\(pid)/children")
        return String(decoding: children, as: UTF8.self).split(separator: " ").compactMap {
            pid_t($0)
        }
    }

    private func isHolder(_ pid: pid_t) -> Bool {
        let name = try? Files.contents(of: "/proc/\(pid)/comm")
        return name.map { String(decoding: $0, as: UTF8.self).hasSuffix("-hold\n") } ?? false
    }

    /// Ends the queue's service.
    func stopQueue() throws {
        try queue?.stop()
        queue = nil
    }

    /// The port of a service; the first one's when it has several.
    func port(of service: String) throws -> UInt16 {
        let word = server.ready.split(separator: " ").first { $0.hasPrefix("\(service)=") }
        guard let port = word?.split(separator: ":").last.flatMap({ UInt16($0) }) else {
            throw TestFailure("no \(service) in \(server.ready)")
        }
        return port
    }

    /// A new connection.
    func connect() throws -> SMTPDialogue { try SMTPDialogue(port: port) }

    /// The bytes of every message in the queue, whole files, in the order of their names.
    func queued() throws -> [[UInt8]] {
        let root = folder.file("spool/queue/new")
        guard try Files.status(root) != nil else { return [] }
        var files: [String: [UInt8]] = [:]
        for part in try Files.names(in: root) {
            for name in try Files.names(in: "\(root)/\(part)") {
                files[name] = try Files.contents(of: "\(root)/\(part)/\(name)", limit: 1 << 30)
            }
        }
        return files.sorted { $0.key < $1.key }.map(\.value)
    }

    /// The lines of the server's log for an event.
    func log(_ event: String) -> [String] {
        server.log.split(separator: "\n").map(String.init).filter {
            $0.contains("event=\(event) ")
        }
    }
}
